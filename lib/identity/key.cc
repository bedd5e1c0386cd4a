#include "lib/identity/key.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "lib/identity/openssl_error.h"

namespace tulle::identity {
namespace {

// Without it OpenSSL would ask for the password of an encrypted key on the terminal.
int NoPassword(char*, int, int, void*) { return -1; }

}  // namespace

void FreePkey::operator()(EVP_PKEY* pkey) const { EVP_PKEY_free(pkey); }

bool IsP256(const EVP_PKEY* pkey) {
  if (EVP_PKEY_get_base_id(pkey) != EVP_PKEY_EC) return false;
  char group[64] = {};
  size_t size = 0;
  if (EVP_PKEY_get_group_name(pkey, group, sizeof group, &size) != 1) return false;
  if (std::string_view(group, size) != "prime256v1") return false;
  int explicit_parameters = 0;
  EVP_PKEY_get_int_param(pkey, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &explicit_parameters);
  return explicit_parameters == 0;
}

Key Key::Generate() {
  PkeyPtr pkey(EVP_EC_gen("P-256"));
  Must(pkey != nullptr, "generate a P-256 key");
  return Key(std::move(pkey));
}

base::Result<Key> Key::FromPem(std::string_view pem) {
  const BioPtr bio = ReadFrom(pem);
  PkeyPtr pkey(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassword, nullptr));
  if (pkey == nullptr) return base::Failure{"private key: " + TakeOpensslError()};
  if (!IsP256(pkey.get())) return base::Failure{"private key: not an ECDSA P-256 key"};
  return Key(std::move(pkey));
}

std::string Key::ToPem() const {
  const BioPtr bio = WriteToMemory();
  Must(PEM_write_bio_PKCS8PrivateKey(bio.get(), pkey_.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1,
       "print a private key");
  return Contents(bio);
}

PublicKey PublicKey::Of(const Key& key) {
  EVP_PKEY_up_ref(key.native());
  return PublicKey(PkeyPtr(key.native()));
}

}  // namespace tulle::identity
