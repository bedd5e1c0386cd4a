#include "operator/ca/issuer.h"

#include "lib/identity/csr.h"
#include "lib/identity/spiffe.h"

namespace tulle::control::ca {
namespace {

constexpr const char* kOperatorAccount = "tulle-operator";

}  // namespace

base::Result<Issued, Refusal> Issuer::TryIssue(const std::string& token, const std::string& csr,
                                               identity::Time now) {
  if (token.empty()) return Refusal{401, "no bearer token was given"};
  if (token.size() > kMaxTokenBytes) return Refusal{401, "the token is too long"};
  if (csr.size() > identity::kMaxCsrBytes) return Refusal{413, "the certificate request is too large"};
  base::Result<identity::PublicKey> key = identity::ReadCsr(csr);
  if (!key.ok()) return Refusal{400, key.failure().what};
  base::Result<Caller, Refusal> caller = verifier_.Verify(token);
  if (!caller.ok()) return caller.failure();
  const std::string uri = identity::Print({settings_.trust_domain, caller->ns, caller->service_account});
  if (!identity::ParseSpiffeId(uri).ok())
    return Refusal{403, "the token's account makes no identity: " + uri};
  const identity::Subject subject{.uris = {uri}};
  base::Result<std::string> leaf = authority_.Sign(*key, subject, settings_.lifetime, now);
  if (!leaf.ok()) return Refusal{503, leaf.failure().what};
  return Issued{std::move(*leaf), bundle()};
}

base::Result<Issued, Refusal> Issuer::Issue(const std::string& token, const std::string& csr,
                                            identity::Time now) {
  base::Result<Issued, Refusal> issued = TryIssue(token, csr, now);
  ++(issued.ok() ? signed_ : refused_);
  return issued;
}

base::Result<std::string> Issuer::SignOwn(const identity::Key& key, const std::string& ns,
                                          identity::Time now) const {
  const std::string name = kOperatorAccount;
  const identity::Subject subject{
      .uris = {identity::Print({settings_.trust_domain, ns, name})},
      .dns_names = {name, name + "." + ns, name + "." + ns + ".svc"},
  };
  return authority_.Sign(identity::PublicKey::Of(key), subject, settings_.lifetime, now);
}

}  // namespace tulle::control::ca
