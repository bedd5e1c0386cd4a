#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/json/fields.h"

// AdmissionReview of admission.k8s.io/v1, as far as it is used here.
namespace tulle::webhook::admission {

inline constexpr size_t kMaxReviewBytes = 3 << 20;

struct Review {
  std::string uid;
  std::string operation;  // CREATE, UPDATE, DELETE, CONNECT
  std::string namespace_name;
  nlohmann::json object;      // null on DELETE
  nlohmann::json old_object;  // null on CREATE
};

base::Result<Review, json::Problems> ReadReview(std::string_view body);

// Answers, as bodies of the HTTP response.
std::string Allow(const std::string& uid, const std::vector<std::string>& warnings = {});
std::string AllowPatched(const std::string& uid, const std::string& patch,
                         const std::vector<std::string>& warnings);
std::string Deny(const std::string& uid, int code, const std::string& message);

}  // namespace tulle::webhook::admission
