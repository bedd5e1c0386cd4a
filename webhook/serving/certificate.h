#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "lib/identity/certificate.h"

// The certificate that the API server sees. Its root signs once and is forgotten: renewing means a new root,
// and the bundle carries the old one along for as long as replicas may still serve under it.
namespace tulle::webhook::serving {

using identity::Time;

struct ServingCertificate {
  std::string bundle;  // PEM: the root of `certificate` first, then earlier ones
  std::string certificate;
  std::string key;

  bool operator==(const ServingCertificate&) const = default;
};

ServingCertificate MakeServingCertificate(const std::vector<std::string>& dns_names,
                                          std::chrono::seconds lifetime, Time now,
                                          const std::string& earlier_bundle);

// Why it has to be made anew: less than a third of its life is left, it does not hold together, or it is not
// for these names. Nothing when it may stay.
std::optional<std::string> WhyRenew(const ServingCertificate& certificate,
                                    const std::vector<std::string>& dns_names, Time now);

}  // namespace tulle::webhook::serving
