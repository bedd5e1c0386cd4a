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

// A query parameter or a cookie; of several with the same name the first counts.
struct ParameterMatch {
  std::string name;
  std::optional<std::string> exact;
  std::optional<json::Regex> regex;

  bool operator==(const ParameterMatch&) const = default;
  static constexpr auto Describe() {
    return json::Object(
        "How one query parameter or cookie of a request is matched. Exactly one of exact and regex is set.",
        json::Field("name", &ParameterMatch::name, "Its name; case matters.",
                    {.required = true, .min_items = 1, .max_items = 256, .pattern = "[!#-+.-:<-~-]+"}),
        json::Field("exact", &ParameterMatch::exact, "The whole value.", {.max_items = 1024}),
        json::Field("regex", &ParameterMatch::regex, "RE2 expression that the whole value must match.",
                    {.max_items = 1024}),
        json::Rule<ParameterMatch>(
            "has(self.exact) != has(self.regex)", "exactly one of exact and regex must be set",
            [](const ParameterMatch& m) { return m.exact.has_value() != m.regex.has_value(); }));
  }
};

// gRPC names its methods in the path: /service/method.
struct GrpcMatch {
  std::optional<std::string> service;
  std::optional<std::string> method;

  bool operator==(const GrpcMatch&) const = default;
  static constexpr auto Describe() {
    return json::Object("Which gRPC methods are meant. At least one of the fields is set.",
                        json::Field("service", &GrpcMatch::service, "Full name of the service: shop.Cart.",
                                    {.min_items = 1, .max_items = 256, .pattern = "[A-Za-z_][A-Za-z0-9_.]*"}),
                        json::Field("method", &GrpcMatch::method, "Name of the method: Add.",
                                    {.min_items = 1, .max_items = 256, .pattern = "[A-Za-z_][A-Za-z0-9_]*"}),
                        json::Rule<GrpcMatch>("has(self.service) || has(self.method)",
                                              "service or method must be set", [](const GrpcMatch& m) {
                                                return m.service.has_value() || m.method.has_value();
                                              }));
  }
};

// Who calls, as its own sidecar knows it: no claim of the request takes part.
struct SourceMatch {
  std::string ns;
  std::optional<std::string> workload;

  bool operator==(const SourceMatch&) const = default;
  static constexpr auto Describe() {
    return json::Object(
        "Whose requests are meant.",
        json::Field(
            "namespace", &SourceMatch::ns, "Namespace of the caller.",
            {.required = true, .min_items = 1, .max_items = 63, .pattern = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"}),
        json::Field("workload", &SourceMatch::workload,
                    "Name of its workload, as the access log has it; absent means all of the namespace.",
                    {.min_items = 1, .max_items = 253, .pattern = "[a-z0-9]([-a-z0-9.]*[a-z0-9])?"}));
  }
};

// All members that are set must match.
struct RequestMatch {
  std::optional<PathMatch> path;
  std::optional<std::string> method;
  std::vector<HeaderMatch> headers;
  std::vector<ParameterMatch> query = {};
  std::vector<ParameterMatch> cookies = {};
  std::optional<GrpcMatch> grpc = {};
  std::optional<SourceMatch> source = {};

  bool operator==(const RequestMatch&) const = default;
  static constexpr auto Describe() {
    return json::Object(
        "Which requests a rule is for. All fields that are given must match.",
        json::Field("path", &RequestMatch::path, "Match by path."),
        json::Field("method", &RequestMatch::method, "Match by method, as it is written on the wire.",
                    {.min_items = 1, .max_items = 32, .pattern = "[A-Z][A-Z0-9_-]*"}),
        json::Field("headers", &RequestMatch::headers, "Match by headers; all must match.",
                    {.max_items = 16}),
        json::Field("query", &RequestMatch::query,
                    "Match by query parameters as they are written, without decoding; all must match.",
                    {.max_items = 16}),
        json::Field("cookies", &RequestMatch::cookies, "Match by cookies; all must match.",
                    {.max_items = 16}),
        json::Field("grpc", &RequestMatch::grpc, "Match by gRPC service and method; goes without path."),
        json::Field("source", &RequestMatch::source, "Match by caller."),
        json::Rule<RequestMatch>("!(has(self.grpc) && has(self.path))", "grpc and path exclude each other",
                                 [](const RequestMatch& m) { return !(m.grpc && m.path); }));
  }
};

}  // namespace tulle::meshconfig
