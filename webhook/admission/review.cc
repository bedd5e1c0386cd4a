#include "webhook/admission/review.h"

#include "lib/base/base64.h"
#include "lib/json/lookup.h"
#include "lib/json/path.h"
#include "lib/json/text.h"

namespace tulle::webhook::admission {
namespace {

using Json = nlohmann::json;

constexpr const char* kApiVersion = "admission.k8s.io/v1";

std::string Answer(const std::string& uid, bool allowed, const std::vector<std::string>& warnings,
                   Json rest) {
  Json response = std::move(rest);
  response["uid"] = uid;
  response["allowed"] = allowed;
  if (!warnings.empty()) response["warnings"] = warnings;
  const Json review = {
      {"apiVersion", kApiVersion}, {"kind", "AdmissionReview"}, {"response", std::move(response)}};
  return review.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Moves a member out of the request: a pod may be a megabyte.
Json Take(Json& request, const char* key) {
  const auto member = request.find(key);
  return member == request.end() ? Json() : std::move(*member);
}

}  // namespace

base::Result<Review, json::Problems> ReadReview(std::string_view body) {
  base::Result<Json, json::Problems> value = json::ReadText(body, kMaxReviewBytes);
  if (!value) return value.failure();
  json::Problems problems;
  if (json::TextAt(*value, "apiVersion") != kApiVersion ||
      json::TextAt(*value, "kind") != "AdmissionReview") {
    problems.push_back({"", "expected an AdmissionReview of " + std::string(kApiVersion)});
    return problems;
  }
  const auto member = value->find("request");
  if (member == value->end() || !member->is_object())
    return json::Problems{{"request", "expected an object"}};
  Json& request = *member;
  Review review;
  review.uid = json::TextAt(request, "uid");
  review.operation = json::TextAt(request, "operation");
  review.namespace_name = json::TextAt(request, "namespace");
  review.object = Take(request, "object");
  review.old_object = Take(request, "oldObject");
  if (review.uid.empty()) problems.push_back({"request.uid", "is required"});
  if (review.operation.empty()) problems.push_back({"request.operation", "is required"});
  const bool has_object = review.operation == "CREATE" || review.operation == "UPDATE";
  if (has_object && !review.object.is_object()) problems.push_back({"request.object", "expected an object"});
  if (!problems.empty()) return problems;
  return review;
}

std::string Allow(const std::string& uid, const std::vector<std::string>& warnings) {
  return Answer(uid, true, warnings, Json::object());
}

std::string AllowPatched(const std::string& uid, const std::string& patch,
                         const std::vector<std::string>& warnings) {
  return Answer(uid, true, warnings, {{"patchType", "JSONPatch"}, {"patch", base::EncodeBase64(patch)}});
}

std::string Deny(const std::string& uid, int code, const std::string& message) {
  return Answer(uid, false, {}, {{"status", {{"code", code}, {"message", message}}}});
}

}  // namespace tulle::webhook::admission
