#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <variant>

#include "lib/base/result.h"
#include "lib/json/fields.h"
#include "lib/resources/types.h"

// The one reader of our custom resources: what the webhook admits is what the operator compiles and what a
// directory of YAML may contain.
namespace tulle::resources {

using Spec = std::variant<Route, Split, TrafficPolicy, AccessPolicy>;

struct Object {
  std::string kind;
  std::string namespace_name;  // empty where the document names none: the caller decides what that means
  std::string name;
  std::string uid;
  int64_t generation = 0;
  std::string creation_timestamp;  // RFC 3339, as the API server writes it: compares as text; may be empty
  Spec spec;

  std::string QualifiedName() const { return namespace_name + "/" + name; }  // "shop/web"
};

// Whether `object` claims the group tulle.dev, of whatever version and kind: then it is ours to accept or
// refuse.
bool IsOurs(const nlohmann::json& object);

// Reads a tulle.dev/v1alpha1 object: the spec strictly, metadata only as far as it is used, status not at
// all. Paths of problems start at the object: "spec.backends[1].weight", "metadata.name".
base::Result<Object, json::Problems> ParseObject(const nlohmann::json& object);

// "Split shop/web: spec.service: is required", for an answer or a log line; falls back to what the object
// says about itself.
std::string DescribeProblems(const nlohmann::json& object, const json::Problems& problems);

}  // namespace tulle::resources
