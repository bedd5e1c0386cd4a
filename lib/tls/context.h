#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <vector>

#include "lib/base/result.h"

namespace tulle::tls {

enum class Side { kClient, kServer };

// What a server wants of its clients. A client verifies its server, unless it is made credulous.
enum class ClientCertificates { kRequired, kOptional };

// The fixed part of many TLS connections: our certificate, whom we trust, which protocols we speak. Immutable
// once made, so connections of one worker share it; a rotation makes a new one and lets the old connections
// keep theirs. TLS 1.3 only, no tickets, no early data: a resumed session cannot outlive the certificate that
// it rests on. Checks of the app's health are the exception: MakeCredulous.
class Context {
 public:
  struct Options {
    Side side = Side::kClient;
    EVP_PKEY* key = nullptr;        // ours; counted up, not consumed; null for a client without a certificate
    std::string certificate;        // PEM, leaf first; empty with a null key
    std::string roots;              // PEM, one or more
    std::vector<std::string> alpn;  // server: accepted, in order of preference; empty = any
    ClientCertificates clients = ClientCertificates::kRequired;
  };
  static base::Result<std::shared_ptr<const Context>> Make(const Options& options);
  // For a client that takes any server for the right one, and speaks TLS 1.2 with it if need be: as a kubelet
  // checks the health of an app.
  static base::Result<std::shared_ptr<const Context>> MakeCredulous();

  Side side() const { return side_; }
  SSL_CTX* get() const { return context_.get(); }

 private:
  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  std::unique_ptr<SSL_CTX, Free> context_;
  Side side_ = Side::kClient;
  std::string alpn_;  // wire form: length-prefixed names

  static int SelectAlpn(SSL* ssl, const unsigned char** out, unsigned char* out_length,
                        const unsigned char* in, unsigned in_length, void* self);
};

// The oldest errors of OpenSSL's queue in words; empties the queue.
std::string OpenSslErrors();

}  // namespace tulle::tls
