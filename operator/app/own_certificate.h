#pragma once

#include <memory>
#include <string>

#include "lib/identity/authority.h"
#include "lib/tls/context.h"
#include "operator/ca/issuer.h"

namespace tulle::control::app {

// The operator's own leaf, signed by itself, and the TLS context of the config port that rests on it.
struct OwnCertificate {
  std::shared_ptr<const identity::Key> key;
  std::string certificate;
  identity::Time renew_at;  // half of its life
  std::shared_ptr<const tls::Context> context;
};

base::Result<OwnCertificate> MakeOwnCertificate(const ca::Issuer& issuer, const std::string& ns,
                                                identity::Time now);

}  // namespace tulle::control::app
