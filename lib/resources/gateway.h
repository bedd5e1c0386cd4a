#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/duration.h"
#include "lib/json/fields.h"
#include "lib/meshconfig/actions.h"

// HTTPRoute and GRPCRoute of gateway.networking.k8s.io/v1 as their authors write them: what the mesh can do
// of them. Their definitions and what the fields mean are the Gateway API's own; a field that is not here is
// one that the mesh does not have, and the parser says so.
namespace tulle::resources::gateway {

inline constexpr std::string_view kGroup = "gateway.networking.k8s.io";

// Whom a route is for. Absent group and kind mean a Gateway.
struct ParentRef {
  std::optional<std::string> group;
  std::optional<std::string> kind;
  std::optional<std::string> ns;
  std::string name;
  std::optional<std::string> section_name;
  std::optional<int64_t> port;

  bool operator==(const ParentRef&) const = default;
  bool IsService() const { return group == "" && kind == "Service"; }
  static constexpr auto Describe() {
    return json::Object("A parent.", json::Field("group", &ParentRef::group, "API group."),
                        json::Field("kind", &ParentRef::kind, "Kind."),
                        json::Field("namespace", &ParentRef::ns, "Absent: that of the route."),
                        json::Field("name", &ParentRef::name, "Name.", {.required = true}),
                        json::Field("sectionName", &ParentRef::section_name, "Of a Service: name of a port."),
                        json::Field("port", &ParentRef::port, "Of a Service: number of a port."));
  }
};

struct ObjectRef {
  std::string group;
  std::string kind = "Service";
  std::string name;
  std::optional<std::string> ns;
  std::optional<int64_t> port;

  bool operator==(const ObjectRef&) const = default;
  static constexpr auto Describe() {
    return json::Object("A reference.", json::Field("group", &ObjectRef::group, "API group."),
                        json::Field("kind", &ObjectRef::kind, "Kind."),
                        json::Field("name", &ObjectRef::name, "Name.", {.required = true}),
                        json::Field("namespace", &ObjectRef::ns, "Absent: that of the route."),
                        json::Field("port", &ObjectRef::port, "Port of the Service."));
  }
};

enum class PathMatchType { kExact, kPathPrefix, kRegularExpression };
constexpr auto Names(PathMatchType) {
  return std::array<std::pair<PathMatchType, std::string_view>, 3>{
      {{PathMatchType::kExact, "Exact"},
       {PathMatchType::kPathPrefix, "PathPrefix"},
       {PathMatchType::kRegularExpression, "RegularExpression"}}};
}

struct PathMatch {
  PathMatchType type = PathMatchType::kPathPrefix;
  std::string value = "/";

  static constexpr auto Describe() {
    return json::Object("A path.", json::Field("type", &PathMatch::type, "How."),
                        json::Field("value", &PathMatch::value, "Which."));
  }
};

enum class ValueMatchType { kExact, kRegularExpression };
constexpr auto Names(ValueMatchType) {
  return std::array<std::pair<ValueMatchType, std::string_view>, 2>{
      {{ValueMatchType::kExact, "Exact"}, {ValueMatchType::kRegularExpression, "RegularExpression"}}};
}

// A header or a query parameter.
struct ValueMatch {
  ValueMatchType type = ValueMatchType::kExact;
  std::string name;
  std::string value;

  static constexpr auto Describe() {
    return json::Object("A value by its name.", json::Field("type", &ValueMatch::type, "How."),
                        json::Field("name", &ValueMatch::name, "Name.", {.required = true}),
                        json::Field("value", &ValueMatch::value, "Which.", {.required = true}));
  }
};

struct HttpMatch {
  PathMatch path;
  std::vector<ValueMatch> headers;
  std::vector<ValueMatch> query_params;
  std::optional<std::string> method;

  static constexpr auto Describe() {
    return json::Object("All that are given must match.", json::Field("path", &HttpMatch::path, "Path."),
                        json::Field("headers", &HttpMatch::headers, "Headers."),
                        json::Field("queryParams", &HttpMatch::query_params, "Query parameters."),
                        json::Field("method", &HttpMatch::method, "Method."));
  }
};

struct MethodMatch {
  ValueMatchType type = ValueMatchType::kExact;
  std::string service;
  std::string method;

  static constexpr auto Describe() {
    return json::Object("gRPC methods; an empty name means any.",
                        json::Field("type", &MethodMatch::type, "How."),
                        json::Field("service", &MethodMatch::service, "Service."),
                        json::Field("method", &MethodMatch::method, "Method."));
  }
};

struct GrpcMatch {
  MethodMatch method;
  std::vector<ValueMatch> headers;

  static constexpr auto Describe() {
    return json::Object("All that are given must match.",
                        json::Field("method", &GrpcMatch::method, "Method."),
                        json::Field("headers", &GrpcMatch::headers, "Headers."));
  }
};

struct Header {
  std::string name;
  std::string value;

  static constexpr auto Describe() {
    return json::Object("A header.", json::Field("name", &Header::name, "Name.", {.required = true}),
                        json::Field("value", &Header::value, "Value.", {.required = true}));
  }
};

struct HeaderModifier {
  std::vector<Header> set;
  std::vector<Header> add;
  std::vector<std::string> remove;

  static constexpr auto Describe() {
    return json::Object("Edits of headers.", json::Field("set", &HeaderModifier::set, "Replaced."),
                        json::Field("add", &HeaderModifier::add, "Added."),
                        json::Field("remove", &HeaderModifier::remove, "Removed."));
  }
};

enum class PathModifierType { kReplaceFullPath, kReplacePrefixMatch };
constexpr auto Names(PathModifierType) {
  return std::array<std::pair<PathModifierType, std::string_view>, 2>{
      {{PathModifierType::kReplaceFullPath, "ReplaceFullPath"},
       {PathModifierType::kReplacePrefixMatch, "ReplacePrefixMatch"}}};
}

struct PathModifier {
  PathModifierType type = PathModifierType::kReplaceFullPath;
  std::string replace_full_path;
  std::string replace_prefix_match;

  static constexpr auto Describe() {
    return json::Object(
        "A new path.", json::Field("type", &PathModifier::type, "How.", {.required = true}),
        json::Field("replaceFullPath", &PathModifier::replace_full_path, "The whole."),
        json::Field("replacePrefixMatch", &PathModifier::replace_prefix_match, "The prefix."));
  }
};

struct RequestRedirect {
  std::optional<meshconfig::Scheme> scheme;
  std::optional<std::string> hostname;
  std::optional<PathModifier> path;
  std::optional<int64_t> port;
  int64_t status_code = 302;

  static constexpr auto Describe() {
    return json::Object("A redirect.", json::Field("scheme", &RequestRedirect::scheme, "Scheme."),
                        json::Field("hostname", &RequestRedirect::hostname, "Host."),
                        json::Field("path", &RequestRedirect::path, "Path."),
                        json::Field("port", &RequestRedirect::port, "Port."),
                        json::Field("statusCode", &RequestRedirect::status_code, "Status."));
  }
};

struct UrlRewrite {
  std::optional<std::string> hostname;
  std::optional<PathModifier> path;

  static constexpr auto Describe() {
    return json::Object("A rewrite.", json::Field("hostname", &UrlRewrite::hostname, "Host."),
                        json::Field("path", &UrlRewrite::path, "Path."));
  }
};

struct Fraction {
  int64_t numerator = 0;
  int64_t denominator = 100;

  static constexpr auto Describe() {
    return json::Object(
        "A share.", json::Field("numerator", &Fraction::numerator, "Of.", {.required = true, .minimum = 0}),
        json::Field("denominator", &Fraction::denominator, "Among.", {.minimum = 1}));
  }
};

struct RequestMirror {
  ObjectRef backend_ref;
  std::optional<int64_t> percent;
  std::optional<Fraction> fraction;

  static constexpr auto Describe() {
    return json::Object(
        "Copies of requests.",
        json::Field("backendRef", &RequestMirror::backend_ref, "To.", {.required = true}),
        json::Field("percent", &RequestMirror::percent, "Share.", {.minimum = 0, .maximum = 100}),
        json::Field("fraction", &RequestMirror::fraction, "Share."));
  }
};

enum class FilterType {
  kRequestHeaderModifier,
  kResponseHeaderModifier,
  kRequestMirror,
  kRequestRedirect,
  kUrlRewrite
};
constexpr auto Names(FilterType) {
  return std::array<std::pair<FilterType, std::string_view>, 5>{
      {{FilterType::kRequestHeaderModifier, "RequestHeaderModifier"},
       {FilterType::kResponseHeaderModifier, "ResponseHeaderModifier"},
       {FilterType::kRequestMirror, "RequestMirror"},
       {FilterType::kRequestRedirect, "RequestRedirect"},
       {FilterType::kUrlRewrite, "URLRewrite"}}};
}

// The member of the type's name is set.
struct Filter {
  FilterType type = FilterType::kRequestHeaderModifier;
  std::optional<HeaderModifier> request_header_modifier;
  std::optional<HeaderModifier> response_header_modifier;
  std::optional<RequestMirror> request_mirror;
  std::optional<RequestRedirect> request_redirect;
  std::optional<UrlRewrite> url_rewrite;

  static constexpr auto Describe() {
    return json::Object(
        "One thing that is done.", json::Field("type", &Filter::type, "Which.", {.required = true}),
        json::Field("requestHeaderModifier", &Filter::request_header_modifier, "Edits of the request."),
        json::Field("responseHeaderModifier", &Filter::response_header_modifier, "Edits of the response."),
        json::Field("requestMirror", &Filter::request_mirror, "Copies."),
        json::Field("requestRedirect", &Filter::request_redirect, "A redirect."),
        json::Field("urlRewrite", &Filter::url_rewrite, "A rewrite."));
  }
};

struct BackendRef {
  std::string group;
  std::string kind = "Service";
  std::string name;
  std::optional<std::string> ns;
  std::optional<int64_t> port;
  int64_t weight = 1;
  std::vector<Filter> filters;

  ObjectRef object() const { return {group, kind, name, ns, port}; }
  static constexpr auto Describe() {
    return json::Object("A destination.", json::Field("group", &BackendRef::group, "API group."),
                        json::Field("kind", &BackendRef::kind, "Kind."),
                        json::Field("name", &BackendRef::name, "Name.", {.required = true}),
                        json::Field("namespace", &BackendRef::ns, "Absent: that of the route."),
                        json::Field("port", &BackendRef::port, "Port of the Service."),
                        json::Field("weight", &BackendRef::weight, "Share."),
                        json::Field("filters", &BackendRef::filters, "Done for this share."));
  }
};

struct Timeouts {
  std::optional<base::Duration> request;
  std::optional<base::Duration> backend_request;

  static constexpr auto Describe() {
    return json::Object("Limits.", json::Field("request", &Timeouts::request, "Of all attempts together."),
                        json::Field("backendRequest", &Timeouts::backend_request, "Of one attempt."));
  }
};

template <class MatchType>
struct Rule {
  using Match = MatchType;
  std::optional<std::string> name;
  std::vector<Match> matches;
  std::vector<Filter> filters;
  std::vector<BackendRef> backend_refs;
  std::optional<Timeouts> timeouts;

  static constexpr auto Describe() {
    return json::Object("One rule.", json::Field("name", &Rule::name, "Name."),
                        json::Field("matches", &Rule::matches, "Any of these; none means every request."),
                        json::Field("filters", &Rule::filters, "What is done."),
                        json::Field("backendRefs", &Rule::backend_refs, "Where requests go."),
                        json::Field("timeouts", &Rule::timeouts, "Limits."));
  }
};

template <class MatchType>
struct Route {
  std::vector<ParentRef> parent_refs;
  std::vector<std::string> hostnames;  // mean nothing to a mesh: the called Service decides, not a name
  std::vector<Rule<MatchType>> rules;

  static constexpr auto Describe() {
    return json::Object("A route.", json::Field("parentRefs", &Route::parent_refs, "Parents."),
                        json::Field("hostnames", &Route::hostnames, "Host names."),
                        json::Field("rules", &Route::rules, "Rules."));
  }
};

using HttpRoute = Route<HttpMatch>;
using GrpcRoute = Route<GrpcMatch>;

}  // namespace tulle::resources::gateway
