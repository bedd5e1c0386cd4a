#pragma once

#include <functional>
#include <map>
#include <string>

#include "lib/base/result.h"

namespace tulle::control::ca {

// Whom a token belongs to.
struct Caller {
  std::string ns;
  std::string service_account;
  std::string pod;  // name; empty where the token does not say
};

// Why a request was turned down, as an HTTP status and words for the one who asked.
struct Refusal {
  int status = 401;
  std::string error;
};

// Proves tokens. Verify may block on the network and is called from several threads.
class TokenVerifier {
 public:
  virtual ~TokenVerifier() = default;
  // 401 for a token that proves nothing, 503 when that cannot be found out now.
  virtual base::Result<Caller, Refusal> Verify(const std::string& token) = 0;
};

// Tokens of a mesh without Kubernetes: a file with lines "token namespace serviceaccount pod", read anew for
// every request.
class FileTokens : public TokenVerifier {
 public:
  explicit FileTokens(std::string path) : path_(std::move(path)) {}
  base::Result<Caller, Refusal> Verify(const std::string& token) override;

 private:
  const std::string path_;
};

}  // namespace tulle::control::ca
