#include "lib/meshconfig/digest.h"

#include <openssl/sha.h>

namespace tulle::meshconfig {

std::string Digest(std::string_view text) {
  constexpr size_t kBytes = 8;
  constexpr char kHex[] = "0123456789abcdef";
  unsigned char hash[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), hash);
  std::string digits;
  for (size_t i = 0; i < kBytes; ++i) {
    digits += kHex[hash[i] >> 4];
    digits += kHex[hash[i] & 0xF];
  }
  return digits;
}

}  // namespace tulle::meshconfig
