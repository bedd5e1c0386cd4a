#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>

#include "lib/kube/client.h"
#include "operator/ca/tokens.h"

namespace tulle::control::ca {

// Asks the API server whom a projected service-account token belongs to. Only tokens for the audience "tulle"
// count. Good answers are remembered for kRemember by a digest of the token, so that a pod that asks again at
// once costs nothing. Thread-safe.
class TokenReview : public TokenVerifier {
 public:
  static constexpr const char* kAudience = "tulle";
  static constexpr std::chrono::seconds kRemember{10};
  static constexpr size_t kMaxRemembered = 10000;

  explicit TokenReview(kube::Client& client) : client_(client) {}
  base::Result<Caller, Refusal> Verify(const std::string& token) override;

 private:
  struct Remembered {
    Caller caller;
    std::chrono::steady_clock::time_point until;
  };

  kube::Client& client_;
  std::mutex mutex_;
  std::map<std::string, Remembered> remembered_;
};

// The caller in the status of a TokenReview object, or why it proves none.
base::Result<Caller, Refusal> ReadTokenReview(const nlohmann::json& review);

}  // namespace tulle::control::ca
