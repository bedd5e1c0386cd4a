#include "operator/ca/token_review.h"

#include <openssl/sha.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace tulle::control::ca {
namespace {

using nlohmann::json;

constexpr std::string_view kAccountPrefix = "system:serviceaccount:";
constexpr const char* kPodName = "authentication.kubernetes.io/pod-name";

std::string Digest(const std::string& token) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(), digest);
  return std::string(reinterpret_cast<const char*>(digest), sizeof digest);
}

std::string TextAt(const json& object, const json::json_pointer& at) {
  return object.contains(at) && object.at(at).is_string() ? object.at(at).get<std::string>() : "";
}

}  // namespace

base::Result<Caller, Refusal> ReadTokenReview(const json& review) {
  const json status = review.is_object() ? review.value("status", json::object()) : json::object();
  if (!status.is_object() || status.value("authenticated", json()) != true) {
    const std::string why = TextAt(status, "/error"_json_pointer);
    return Refusal{401, "the token is not valid" + (why.empty() ? "" : ": " + why)};
  }
  // An API server that knows no audiences answers without any: its own tokens would pass.
  const json audiences = status.value("audiences", json::array());
  if (!audiences.is_array() ||
      std::find(audiences.begin(), audiences.end(), TokenReview::kAudience) == audiences.end()) {
    return Refusal{401, std::string("the token is not for the audience ") + TokenReview::kAudience};
  }
  const std::string name = TextAt(status, "/user/username"_json_pointer);
  const size_t colon = name.find(':', kAccountPrefix.size());
  if (!name.starts_with(kAccountPrefix) || colon == std::string::npos) {
    return Refusal{403, "the token is not that of a service account"};
  }
  Caller caller;
  caller.ns = name.substr(kAccountPrefix.size(), colon - kAccountPrefix.size());
  caller.service_account = name.substr(colon + 1);
  const json extra = status["user"].value("extra", json::object());
  if (extra.is_object() && extra.contains(kPodName) && extra[kPodName].is_array() &&
      !extra[kPodName].empty() && extra[kPodName][0].is_string()) {
    caller.pod = extra[kPodName][0].get<std::string>();
  }
  return caller;
}

base::Result<Caller, Refusal> TokenReview::Verify(const std::string& token) {
  const std::string digest = Digest(token);
  const auto now = std::chrono::steady_clock::now();
  {
    const std::lock_guard lock(mutex_);
    const auto known = remembered_.find(digest);
    if (known != remembered_.end() && now < known->second.until) return known->second.caller;
  }
  const json review = {{"apiVersion", "authentication.k8s.io/v1"},
                       {"kind", "TokenReview"},
                       {"spec", {{"token", token}, {"audiences", {kAudience}}}}};
  // Not valid UTF-8 is no token either, and would not be JSON.
  if (!std::all_of(token.begin(), token.end(), [](char c) { return c > 0x20 && c < 0x7f; })) {
    return Refusal{401, "the token is not valid"};
  }
  const kube::Client::Answer answer = client_.Create({"authentication.k8s.io/v1", "tokenreviews"}, review);
  if (!answer.ok()) return Refusal{503, "the token cannot be checked now: " + answer.failure().what};
  base::Result<Caller, Refusal> caller = ReadTokenReview(*answer);
  if (!caller.ok()) return caller;
  const std::lock_guard lock(mutex_);
  std::erase_if(remembered_, [&](const auto& known) { return known.second.until <= now; });
  if (remembered_.size() < kMaxRemembered) remembered_[digest] = {*caller, now + kRemember};
  return caller;
}

}  // namespace tulle::control::ca
