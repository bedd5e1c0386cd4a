#pragma once

#include <openssl/types.h>

#include <memory>
#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace tulle::identity {

struct FreePkey {
  void operator()(EVP_PKEY* pkey) const;
};
using PkeyPtr = std::unique_ptr<EVP_PKEY, FreePkey>;

// An ECDSA P-256 private key in memory. Move only; the memory is cleansed by OpenSSL when the last user of
// the key lets go. Safe to use from several threads once made.
class Key {
 public:
  static Key Generate();

  // Refuses everything but an unencrypted P-256 private key. The failure never quotes the text.
  static base::Result<Key> FromPem(std::string_view pem);

  // PKCS #8, for a Secret or a memory-backed volume; never for a log.
  std::string ToPem() const;

  EVP_PKEY* native() const { return pkey_.get(); }

 private:
  explicit Key(PkeyPtr pkey) : pkey_(std::move(pkey)) {}
  PkeyPtr pkey_;
};

// A P-256 public key, as it stands in a certificate request.
class PublicKey {
 public:
  // `pkey` must be a P-256 key; its private half, where there is one, is not used.
  explicit PublicKey(PkeyPtr pkey) : pkey_(std::move(pkey)) {}
  static PublicKey Of(const Key& key);

  EVP_PKEY* native() const { return pkey_.get(); }

 private:
  PkeyPtr pkey_;
};

// Whether the key is on the curve P-256, named (not by explicit parameters).
bool IsP256(const EVP_PKEY* pkey);

}  // namespace tulle::identity
