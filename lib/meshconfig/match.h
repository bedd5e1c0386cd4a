#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/json/fields.h"

// Which requests something is for: a part of routes and of access rules, in resources and in mesh config
// alike.
namespace tulle::meshconfig {

// Exactly one of the members is set. Prefix matches whole path segments: /a matches /a and /a/b, not /ab.
struct PathMatch {
  std::optional<std::string> exact;
  std::optional<std::string> prefix;
  std::optional<json::Regex> regex;

  bool operator==(const PathMatch&) const = default;
  static constexpr auto Describe() {
    return json::Object(
        "How the path of a request is matched; the query is not part of it. Exactly one of the fields is "
        "set.",
        json::Field("exact", &PathMatch::exact, "The whole path.",
                    {.min_items = 1, .max_items = 1024, .pattern = "/.*"}),
        json::Field("prefix", &PathMatch::prefix,
                    "Leading whole segments of the path: /a matches /a and /a/b, not /ab.",
                    {.min_items = 1, .max_items = 1024, .pattern = "/.*"}),
        json::Field("regex", &PathMatch::regex, "RE2 expression that the whole path must match.",
                    {.max_items = 1024}),
        json::Rule<PathMatch>("[has(self.exact), has(self.prefix), has(self.regex)].exists_one(x, x)",
                              "exactly one of exact, prefix and regex must be set", [](const PathMatch& m) {
                                return m.exact.has_value() + m.prefix.has_value() + m.regex.has_value() == 1;
                              }));
  }
};

struct HeaderMatch {
  std::string name;
  std::optional<std::string> exact;
  std::optional<json::Regex> regex;

  bool operator==(const HeaderMatch&) const = default;
  static constexpr auto Describe() {
    return json::Object(
        "How one header of a request is matched. Exactly one of exact and regex is set.",
        json::Field(
            "name", &HeaderMatch::name, "Header name; case does not matter.",
            {.required = true, .min_items = 1, .max_items = 256, .pattern = "[A-Za-z0-9!#$%&'*+.^_`|~-]+"}),
        json::Field("exact", &HeaderMatch::exact, "The whole value.", {.max_items = 4096}),
        json::Field("regex", &HeaderMatch::regex, "RE2 expression that the whole value must match.",
                    {.max_items = 1024}),
        json::Rule<HeaderMatch>(
            "has(self.exact) != has(self.regex)", "exactly one of exact and regex must be set",
            [](const HeaderMatch& m) { return m.exact.has_value() != m.regex.has_value(); }));
  }
};

// All members that are set must match.
struct RequestMatch {
  std::optional<PathMatch> path;
  std::optional<std::string> method;
  std::vector<HeaderMatch> headers;

  bool operator==(const RequestMatch&) const = default;
  static constexpr auto Describe() {
    return json::Object(
        "Which requests a rule is for. All fields that are given must match.",
        json::Field("path", &RequestMatch::path, "Match by path."),
        json::Field("method", &RequestMatch::method, "Match by method, as it is written on the wire.",
                    {.min_items = 1, .max_items = 32, .pattern = "[A-Z][A-Z0-9_-]*"}),
        json::Field("headers", &RequestMatch::headers, "Match by headers; all must match.",
                    {.max_items = 16}));
  }
};

}  // namespace tulle::meshconfig
