#pragma once

#include <chrono>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/result.h"
#include "lib/kube/client.h"
#include "webhook/serving/certificate.h"
#include "webhook/serving/slot.h"

namespace tulle::webhook::serving {

// Keeps the serving certificate: makes it once for all replicas (Secret tulle-webhook-cert), renews it in
// time, tells the API server its roots (caBundle of both webhook configurations) and installs it in the slot.
// The order matters: a certificate is served only after its root was told, so that no admission fails in
// between.
//
// Owned and called by one thread.
class CertificateKeeper {
 public:
  CertificateKeeper(kube::Client& client, std::string ns, std::chrono::seconds lifetime,
                    CertificateSlot& slot);

  static constexpr std::chrono::seconds kRound{60};
  // From telling the API server of a new root until every one of its replicas has heard.
  static constexpr std::chrono::seconds kPropagation{10};

  // One round; returns when the next one is due. Level-triggered: what somebody else undid is done again.
  base::Result<std::chrono::seconds> Round(Time now);

 private:
  base::Result<ServingCertificate> Agree(Time now);
  base::Result<bool> Announce(const std::string& bundle);
  base::Result<bool> AnnounceIn(const char* plural, const std::string& bundle);

  kube::Client& client_;
  const std::string ns_;
  const std::chrono::seconds lifetime_;
  const std::vector<std::string> dns_names_;
  CertificateSlot& slot_;
  std::string last_bundle_;  // outlives a Secret that was deleted under us
  std::optional<ServingCertificate> served_;
  std::optional<ServingCertificate> announced_;  // since announced_at_
  Time announced_at_;
};

}  // namespace tulle::webhook::serving
