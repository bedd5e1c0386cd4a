#include "operator/app/own_certificate.h"

namespace tulle::control::app {

base::Result<OwnCertificate> MakeOwnCertificate(const ca::Issuer& issuer, const std::string& ns,
                                                identity::Time now) {
  OwnCertificate own;
  own.key = std::make_shared<const identity::Key>(identity::Key::Generate());
  base::Result<std::string> leaf = issuer.SignOwn(*own.key, ns, now);
  if (!leaf.ok()) return leaf.failure();
  own.certificate = std::move(*leaf);
  own.renew_at = now + issuer.settings().lifetime / 2;
  tls::Context::Options options;
  options.side = tls::Side::kServer;
  options.key = own.key->native();
  options.certificate = own.certificate;
  options.roots = issuer.bundle();
  options.clients = tls::ClientCertificates::kOptional;
  auto context = tls::Context::Make(options);
  if (!context.ok()) return context.failure();
  own.context = *context;
  return own;
}

}  // namespace tulle::control::app
