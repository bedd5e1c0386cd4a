#include "webhook/serving/trust_bundle.h"

#include <nlohmann/json.hpp>

#include "lib/identity/certificate.h"
#include "lib/json/lookup.h"

namespace tulle::webhook::serving {
namespace {

constexpr const char* kMissing = "trust bundle not yet published by tulle-operator";

}  // namespace

base::Result<std::string> TrustBundle::Get(Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  if (was_read_ && now - read_at_ < kFresh) return last_;
  last_ = Read();
  was_read_ = true;
  read_at_ = now;
  return last_;
}

base::Result<std::string> TrustBundle::Read() {
  kube::Client::Answer map = client_.Get({"v1", "configmaps", ns_}, "tulle-trust-bundle");
  if (!map) {
    if (map.failure().not_found()) return base::Failure{kMissing};
    if (last_.ok()) return last_;
    return base::Failure{"trust bundle: " + map.failure().what};
  }
  std::string bundle = json::TextAt(json::At(*map, "data"), "ca.crt");
  if (bundle.empty()) return base::Failure{kMissing};
  // A sidecar that is given roots it cannot read would never come up.
  if (const auto roots = identity::ParseBundle(bundle); !roots) {
    return base::Failure{"ConfigMap " + ns_ + "/tulle-trust-bundle: ca.crt: " + roots.failure().what};
  }
  return bundle;
}

}  // namespace tulle::webhook::serving
