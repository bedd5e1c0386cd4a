#pragma once

#include <openssl/types.h>

#include <memory>
#include <mutex>
#include <optional>

#include "lib/base/result.h"
#include "webhook/serving/certificate.h"

namespace tulle::webhook::serving {

// Where the TLS server takes its certificate from, handshake by handshake, so that a new one needs no
// restart. Any thread may install, any thread may serve. Outlives the server.
class CertificateSlot {
 public:
  // Fails, and leaves what is there, when key and certificate are not a pair.
  base::Result<bool> Install(const ServingCertificate& certificate);

  // Prepares a server context: TLS 1.2 at least, and the certificate from this slot at each handshake.
  void Attach(SSL_CTX& context);

  bool has_certificate() const;
  // When the installed certificate ends; nothing while there is none.
  std::optional<Time> not_after() const;

 private:
  struct Pair;
  static int Choose(SSL* ssl, void* self);
  std::shared_ptr<const Pair> Current() const;

  mutable std::mutex mutex_;
  std::shared_ptr<const Pair> current_;
};

}  // namespace tulle::webhook::serving
