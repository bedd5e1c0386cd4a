#include "operator/ca/tokens.h"

#include <openssl/crypto.h>

#include <fstream>
#include <sstream>

namespace tulle::control::ca {
namespace {

bool EqualInConstantTime(const std::string& a, const std::string& b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace

base::Result<Caller, Refusal> FileTokens::Verify(const std::string& token) {
  std::ifstream file(path_);
  if (!file) return Refusal{503, "the token file cannot be read"};
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string known;
    Caller caller;
    if (!(words >> known >> caller.ns >> caller.service_account >> caller.pod) || known[0] == '#') continue;
    if (EqualInConstantTime(known, token)) return caller;
  }
  return Refusal{401, "the token is not known"};
}

}  // namespace tulle::control::ca
