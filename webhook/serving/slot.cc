#include "webhook/serving/slot.h"

#include <openssl/ssl.h>

#include "lib/identity/key.h"

namespace tulle::webhook::serving {

struct CertificateSlot::Pair {
  identity::CertificatePtr certificate;
  identity::Key key;
};

base::Result<bool> CertificateSlot::Install(const ServingCertificate& certificate) {
  base::Result<identity::CertificatePtr> leaf = identity::ParseCertificate(certificate.certificate);
  if (!leaf) return leaf.failure();
  base::Result<identity::Key> key = identity::Key::FromPem(certificate.key);
  if (!key) return key.failure();
  if (X509_check_private_key(leaf->get(), key->native()) != 1) {
    return base::Failure{"serving certificate: key and certificate do not belong together"};
  }
  auto pair = std::make_shared<const Pair>(Pair{std::move(*leaf), std::move(*key)});
  const std::lock_guard lock(mutex_);
  current_ = std::move(pair);
  return true;
}

void CertificateSlot::Attach(SSL_CTX& context) {
  SSL_CTX_set_min_proto_version(&context, TLS1_2_VERSION);
  SSL_CTX_set_options(&context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(&context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_cert_cb(&context, &CertificateSlot::Choose, this);
}

int CertificateSlot::Choose(SSL* ssl, void* self) {
  const std::shared_ptr<const Pair> pair = static_cast<CertificateSlot*>(self)->Current();
  if (pair == nullptr) return 0;
  return SSL_use_certificate(ssl, pair->certificate.get()) == 1 &&
         SSL_use_PrivateKey(ssl, pair->key.native()) == 1;
}

std::shared_ptr<const CertificateSlot::Pair> CertificateSlot::Current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

bool CertificateSlot::has_certificate() const { return Current() != nullptr; }

std::optional<Time> CertificateSlot::not_after() const {
  const std::shared_ptr<const Pair> pair = Current();
  if (pair == nullptr) return std::nullopt;
  return identity::NotAfter(pair->certificate.get());
}

}  // namespace tulle::webhook::serving
