#include "lib/identity/openssl_error.h"

#include <openssl/cryptoerr_legacy.h>
#include <openssl/err.h>

#include <cstdio>
#include <cstdlib>

namespace tulle::identity {

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"  // in favour of all words of the library at once
void LoadErrorWords() {
  static const int loaded = ERR_load_ERR_strings() + ERR_load_CRYPTO_strings() + ERR_load_EVP_strings() +
                            ERR_load_EC_strings() + ERR_load_ASN1_strings() + ERR_load_PEM_strings() +
                            ERR_load_X509_strings();
  (void)loaded;
}
#pragma GCC diagnostic pop

std::string TakeOpensslError() {
  LoadErrorWords();
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "malformed" : reason;
}

void Must(bool succeeded, const char* what) {
  if (succeeded) return;
  std::fprintf(stderr, "OpenSSL cannot %s: %s\n", what, TakeOpensslError().c_str());
  std::abort();
}

BioPtr ReadFrom(std::string_view text) {
  // OpenSSL takes a null pointer for an error even where the size is 0.
  BioPtr bio(BIO_new_mem_buf(text.empty() ? "" : text.data(), static_cast<int>(text.size())));
  Must(bio != nullptr, "allocate a buffer");
  return bio;
}

BioPtr WriteToMemory() {
  BioPtr bio(BIO_new(BIO_s_secmem()));
  Must(bio != nullptr, "allocate a buffer");
  return bio;
}

std::string Contents(const BioPtr& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<size_t>(size));
}

}  // namespace tulle::identity
