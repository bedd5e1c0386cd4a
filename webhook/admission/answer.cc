#include "webhook/admission/answer.h"

#include <nlohmann/json.hpp>
#include <variant>

#include "lib/json/lookup.h"
#include "lib/resources/parse.h"
#include "webhook/admission/review.h"

namespace tulle::webhook::admission {
namespace {

using Json = nlohmann::json;

constexpr int kBadRequest = 400;
constexpr int kUnprocessable = 422;
constexpr int kUnavailable = 503;

Answer Malformed(const json::Problems& problems) {
  std::string message = "not an admission review: " + json::JoinProblems(problems);
  return {kBadRequest, message + "\n", Verdict::kMalformed, message};
}

Answer Denied(const Review& review, int code, const std::string& message) {
  return {200, Deny(review.uid, code, message), Verdict::kDenied, message};
}

Answer Allowed(const Review& review, Verdict verdict, std::string why = "") {
  return {200, Allow(review.uid), verdict, std::move(why)};
}

std::string DescribePod(const Review& review) {
  const Json& metadata = json::At(review.object, "metadata");
  std::string name = json::TextAt(metadata, "name");
  if (name.empty()) name = json::TextAt(metadata, "generateName");
  return "pod " + review.namespace_name + "/" + name;
}

}  // namespace

const char* Name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kAllowed:
      return "allowed";
    case Verdict::kDenied:
      return "denied";
    case Verdict::kInjected:
      return "injected";
    case Verdict::kLeftAlone:
      return "left_alone";
    case Verdict::kMalformed:
      break;
  }
  return "malformed";
}

Answer Mutate(std::string_view body, const base::Result<inject::Settings>& settings) {
  const base::Result<Review, json::Problems> read = ReadReview(body);
  if (!read) return Malformed(read.failure());
  const Review& review = *read;
  if (review.operation != "CREATE") return Allowed(review, Verdict::kLeftAlone, "only new pods are injected");
  if (json::TextAt(review.object, "kind") != "Pod") return Allowed(review, Verdict::kLeftAlone, "not a pod");

  const inject::Outcome outcome =
      inject::Inject(review.object, review.namespace_name, settings ? *settings : inject::Settings{});
  if (const auto* left_alone = std::get_if<inject::LeftAlone>(&outcome)) {
    return Allowed(review, Verdict::kLeftAlone, DescribePod(review) + ": " + left_alone->reason);
  }
  if (const auto* denied = std::get_if<inject::Denied>(&outcome)) {
    return Denied(review, kUnprocessable, DescribePod(review) + ": " + denied->reason);
  }
  if (!settings) return Denied(review, kUnavailable, DescribePod(review) + ": " + settings.failure().what);
  const auto& injected = std::get<inject::Injected>(outcome);
  return {200, AllowPatched(review.uid, injected.patch, injected.warnings), Verdict::kInjected,
          DescribePod(review)};
}

Answer Validate(std::string_view body) {
  base::Result<Review, json::Problems> read = ReadReview(body);
  if (!read) return Malformed(read.failure());
  Review& review = *read;
  if (!review.object.is_object()) return Allowed(review, Verdict::kAllowed);
  Json& metadata = review.object["metadata"];
  if (!json::TextAt(metadata, "deletionTimestamp").empty()) return Allowed(review, Verdict::kAllowed);
  const bool same_spec = review.operation == "UPDATE" && review.object.contains("spec") &&
                         json::At(review.object, "spec") == json::At(review.old_object, "spec");
  if (same_spec) return Allowed(review, Verdict::kAllowed);
  if (metadata.is_object() && json::TextAt(metadata, "namespace").empty()) {
    metadata["namespace"] = review.namespace_name;
  }
  const base::Result<resources::Object, json::Problems> object = resources::ParseObject(review.object);
  if (object) return Allowed(review, Verdict::kAllowed);
  return Denied(review, kUnprocessable, resources::DescribeProblems(review.object, object.failure()));
}

}  // namespace tulle::webhook::admission
