#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/duration.h"
#include "lib/json/fields.h"

// The mesh config: the one document format that the operator writes and the sidecar obeys. It consists of
// named, versioned resources, each of which is one of the structs below as JSON:
//
//   mesh                 Mesh       what every sidecar needs: trust domain and roots
//   workload/NS/NAME     Workload   how a workload is to be called: mTLS mode, access rules, protocols of its
//   ports address/IP           Address    what an IP address stands for: a Service, an endpoint, or nothing
//   of the mesh service/NS/NAME      Service    routes and call policy of a Service endpoints/NS/NAME
//   Endpoints  who serves a Service; endpoints/NS/NAME?k=v,… is one version of it, by labels
//
// A sidecar subscribes to mesh, its workload, and the addresses that its app calls; what these refer to
// follows. Names inside the documents are "namespace/name". Values are complete: the sidecar adds no defaults
// of its own.
namespace tulle::meshconfig {

enum class Protocol { kDetect, kHttp, kHttp2, kTcp };
constexpr auto Names(Protocol) {
  return std::array<std::pair<Protocol, std::string_view>, 4>{{{Protocol::kDetect, "Detect"},
                                                               {Protocol::kHttp, "HTTP"},
                                                               {Protocol::kHttp2, "HTTP2"},
                                                               {Protocol::kTcp, "TCP"}}};
}

enum class MtlsMode { kStrict, kPermissive };
constexpr auto Names(MtlsMode) {
  return std::array<std::pair<MtlsMode, std::string_view>, 2>{
      {{MtlsMode::kStrict, "Strict"}, {MtlsMode::kPermissive, "Permissive"}}};
}

enum class LoadBalancing { kLeastRequest, kRoundRobin };
constexpr auto Names(LoadBalancing) {
  return std::array<std::pair<LoadBalancing, std::string_view>, 2>{
      {{LoadBalancing::kLeastRequest, "LeastRequest"}, {LoadBalancing::kRoundRobin, "RoundRobin"}}};
}

enum class AccessAction { kAllow, kDeny };
constexpr auto Names(AccessAction) {
  return std::array<std::pair<AccessAction, std::string_view>, 2>{
      {{AccessAction::kAllow, "Allow"}, {AccessAction::kDeny, "Deny"}}};
}

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

struct Retry {
  int64_t attempts = 2;
  std::optional<base::Duration> per_try_timeout;

  bool operator==(const Retry&) const = default;
  static constexpr auto Describe() {
    return json::Object(
        "How failed attempts are repeated. Repeated are requests that provably never reached the "
        "application, and "
        "idempotent ones (GET, HEAD, OPTIONS, TRACE, PUT, DELETE) that failed before an answer began.",
        json::Field("attempts", &Retry::attempts, "Attempts after the first; 0 switches retries off.",
                    {.minimum = 0, .maximum = 10}),
        json::Field("perTryTimeout", &Retry::per_try_timeout,
                    "Longest time for one attempt until its answer begins.", {.minimum = 1}));
  }
};

// One destination of a rule. `error`, when set, says why this share cannot be served; its requests are
// answered 500.
struct WeightedBackend {
  std::string source;     // the object that named it: "split/shop/web#0"
  std::string endpoints;  // resource that holds its endpoints: "endpoints/shop/web?version=v2"
  int64_t port = 0;       // the port of that Service
  int64_t weight = 1;
  std::optional<std::string> error;

  bool operator==(const WeightedBackend&) const = default;
  static constexpr auto Describe() {
    return json::Object(
        "One weighted destination.",
        json::Field("source", &WeightedBackend::source, "The object that named it."),
        json::Field("endpoints", &WeightedBackend::endpoints, "Name of the endpoints resource."),
        json::Field("port", &WeightedBackend::port, "Port of the Service.", {.minimum = 0, .maximum = 65535}),
        json::Field("weight", &WeightedBackend::weight, "Share relative to its siblings.",
                    {.minimum = 0, .maximum = 1000000}),
        json::Field("error", &WeightedBackend::error, "Why this share cannot be served."));
  }
};

// Rules stand in the order in which they are tried; the last one of a port has no matches and takes the rest.
struct RouteRule {
  std::string
      name;  // "route/shop/web#2", "split/shop/web" or "service/shop/web": what a decision record says
  std::vector<RequestMatch> matches;  // any of them; none = every request
  std::vector<WeightedBackend> backends;
  std::optional<base::Duration> timeout;  // whole exchange, all attempts
  std::optional<Retry> retry;             // instead of the policy's

  bool operator==(const RouteRule&) const = default;
  static constexpr auto Describe() {
    return json::Object(
        "One rule of a port.", json::Field("name", &RouteRule::name, "What a decision record calls it."),
        json::Field("matches", &RouteRule::matches, "Any of these; none means every request."),
        json::Field("backends", &RouteRule::backends, "Where its requests go."),
        json::Field("timeout", &RouteRule::timeout, "Limit for the whole exchange."),
        json::Field("retry", &RouteRule::retry, "Retries of this rule."));
  }
};

struct ServicePort {
  int64_t port = 0;
  Protocol protocol = Protocol::kDetect;
  std::vector<RouteRule> rules;

  bool operator==(const ServicePort&) const = default;
  static constexpr auto Describe() {
    return json::Object("One port of a Service.",
                        json::Field("port", &ServicePort::port, "Port number.",
                                    {.required = true, .minimum = 1, .maximum = 65535}),
                        json::Field("protocol", &ServicePort::protocol, "What it speaks."),
                        json::Field("rules", &ServicePort::rules, "Rules in order."));
  }
};

struct CallPolicy {
  LoadBalancing load_balancing = LoadBalancing::kLeastRequest;
  base::Duration connect_timeout = std::chrono::seconds(1);
  std::optional<base::Duration> request_timeout;
  Retry retry;

  bool operator==(const CallPolicy&) const = default;
  static constexpr auto Describe() {
    return json::Object(
        "How a Service is called.",
        json::Field("loadBalancing", &CallPolicy::load_balancing, "How an endpoint is picked."),
        json::Field("connectTimeout", &CallPolicy::connect_timeout,
                    "Limit for TCP and TLS together, per attempt."),
        json::Field("requestTimeout", &CallPolicy::request_timeout,
                    "Limit for the whole exchange where the rule has none."),
        json::Field("retry", &CallPolicy::retry, "Retries where the rule has none."));
  }
};

struct Service {
  std::string name;  // "shop/web"
  std::vector<ServicePort> ports;
  CallPolicy policy;

  bool operator==(const Service&) const = default;
  static constexpr auto Describe() {
    return json::Object("A Service as its callers see it.",
                        json::Field("name", &Service::name, "namespace/name", {.required = true}),
                        json::Field("ports", &Service::ports, "Its ports."),
                        json::Field("policy", &Service::policy, "How it is called."));
  }
};

struct TargetPort {
  int64_t port = 0;    // of the Service
  int64_t target = 0;  // of the pod

  bool operator==(const TargetPort&) const = default;
  static constexpr auto Describe() {
    return json::Object("A port of a Service and the port of the pod behind it.",
                        json::Field("port", &TargetPort::port, "Service port.", {.required = true}),
                        json::Field("target", &TargetPort::target, "Pod port.",
                                    {.required = true, .minimum = 1, .maximum = 65535}));
  }
};

struct Endpoint {
  std::string address;  // IP, v6 without brackets
  std::string pod;      // "shop/web-1"; empty where none is known
  std::string
      identity;  // SPIFFE id that its certificate must carry; empty = not in the mesh, called in plaintext
  std::vector<TargetPort> ports;

  bool operator==(const Endpoint&) const = default;
  static constexpr auto Describe() {
    return json::Object(
        "One endpoint.", json::Field("address", &Endpoint::address, "IP address.", {.required = true}),
        json::Field("pod", &Endpoint::pod, "namespace/name of its pod."),
        json::Field("identity", &Endpoint::identity, "SPIFFE id; empty when not in the mesh."),
        json::Field("ports", &Endpoint::ports, "Its ports."));
  }
};

struct Endpoints {
  std::string name;  // as in the resource name, without "endpoints/"
  std::vector<Endpoint> endpoints;

  bool operator==(const Endpoints&) const = default;
  static constexpr auto Describe() {
    return json::Object("Ready endpoints of a Service or of one version of it.",
                        json::Field("name", &Endpoints::name, "namespace/name[?labels]", {.required = true}),
                        json::Field("endpoints", &Endpoints::endpoints, "In a stable order."));
  }
};

// At most one of service and endpoint is set; neither = not of the mesh, passed through as it is.
struct Address {
  std::string address;
  std::optional<std::string> service;  // "shop/web"
  std::optional<Endpoint> endpoint;    // a pod called by its own address; its ports are not listed

  bool operator==(const Address&) const = default;
  static constexpr auto Describe() {
    return json::Object("What an IP address stands for.",
                        json::Field("address", &Address::address, "The IP address.", {.required = true}),
                        json::Field("service", &Address::service, "The Service whose address this is."),
                        json::Field("endpoint", &Address::endpoint, "The pod whose address this is."));
  }
};

// All non-empty members must match; a caller without a verified identity matches no identity, namespace or
// account.
struct AccessFrom {
  std::vector<std::string> identities;  // whole SPIFFE ids
  std::vector<std::string> namespaces;
  std::vector<std::string> service_accounts;  // "namespace/name"

  bool operator==(const AccessFrom&) const = default;
  static constexpr auto Describe() {
    return json::Object(
        "Who calls. All fields that are given must match; names are literal.",
        json::Field("identities", &AccessFrom::identities, "SPIFFE ids of callers; any of them.",
                    {.min_items = 1,
                     .max_items = 64,
                     .pattern = "spiffe://[^/]+(/[^/]+)+",
                     .max_value_length = 2048}),
        json::Field("namespaces", &AccessFrom::namespaces, "Namespaces of callers; any of them.",
                    {.min_items = 1,
                     .max_items = 64,
                     .pattern = "[a-z0-9]([-a-z0-9]*[a-z0-9])?",
                     .max_value_length = 63}),
        json::Field("serviceAccounts", &AccessFrom::service_accounts,
                    "Service accounts of callers as namespace/name; any of them.",
                    {.min_items = 1,
                     .max_items = 64,
                     .pattern = "[a-z0-9]([-a-z0-9]*[a-z0-9])?/[a-z0-9]([-a-z0-9.]*[a-z0-9])?",
                     .max_value_length = 317}),
        json::Rule<AccessFrom>("has(self.identities) || has(self.namespaces) || has(self.serviceAccounts)",
                               "at least one of identities, namespaces and serviceAccounts must be set",
                               [](const AccessFrom& f) {
                                 return !f.identities.empty() || !f.namespaces.empty() ||
                                        !f.service_accounts.empty();
                               }));
  }
};

struct AccessTo {
  std::vector<int64_t> ports;
  std::vector<std::string> methods;
  std::vector<PathMatch> paths;

  bool operator==(const AccessTo&) const = default;
  static constexpr auto Describe() {
    return json::Object(
        "What is called. All fields that are given must match. Methods and paths exist only in HTTP: on a "
        "connection that is not HTTP, an Allow rule that names them matches nothing and a Deny rule that "
        "names them matches by its other fields.",
        json::Field("ports", &AccessTo::ports, "Ports of the pod; any of them.",
                    {.minimum = 1, .maximum = 65535, .min_items = 1, .max_items = 64}),
        json::Field("methods", &AccessTo::methods, "HTTP methods; any of them.",
                    {.min_items = 1, .max_items = 16, .pattern = "[A-Z][A-Z0-9_-]*", .max_value_length = 32}),
        json::Field("paths", &AccessTo::paths, "HTTP paths; any of them.", {.min_items = 1, .max_items = 64}),
        json::Rule<AccessTo>("has(self.ports) || has(self.methods) || has(self.paths)",
                             "at least one of ports, methods and paths must be set", [](const AccessTo& t) {
                               return !t.ports.empty() || !t.methods.empty() || !t.paths.empty();
                             }));
  }
};

struct AccessRule {
  std::string name;  // "shop/allow-web#2": policy and index of the rule
  AccessAction action = AccessAction::kAllow;
  std::vector<AccessFrom> from;  // any of them; none = everybody
  std::vector<AccessTo> to;      // any of them; none = everything

  bool operator==(const AccessRule&) const = default;
  static constexpr auto Describe() {
    return json::Object("One access rule.", json::Field("name", &AccessRule::name, "policy#index"),
                        json::Field("action", &AccessRule::action, "What happens on a match."),
                        json::Field("from", &AccessRule::from, "Any of these callers; none means everybody."),
                        json::Field("to", &AccessRule::to, "Any of these targets; none means everything."));
  }
};

struct WorkloadPort {
  int64_t port = 0;  // of the pod
  Protocol protocol = Protocol::kDetect;

  bool operator==(const WorkloadPort&) const = default;
  static constexpr auto Describe() {
    return json::Object("A declared port of a workload.",
                        json::Field("port", &WorkloadPort::port, "Port of the pod.", {.required = true}),
                        json::Field("protocol", &WorkloadPort::protocol, "What it speaks."));
  }
};

// Deny rules are looked at first; then, if there is any Allow rule, one must match; without Allow rules all
// may call.
struct Workload {
  std::string name;  // "shop/web"
  MtlsMode mtls = MtlsMode::kPermissive;
  std::string mtls_source;  // the policy that said so: "shop/strict"; empty = the default
  std::vector<AccessRule> rules;
  std::vector<WorkloadPort> ports;

  bool operator==(const Workload&) const = default;
  static constexpr auto Describe() {
    return json::Object("How a workload is to be called.",
                        json::Field("name", &Workload::name, "namespace/name", {.required = true}),
                        json::Field("mtls", &Workload::mtls, "Whether plaintext is taken."),
                        json::Field("mtlsSource", &Workload::mtls_source, "The policy that set mtls."),
                        json::Field("rules", &Workload::rules, "Access rules."),
                        json::Field("ports", &Workload::ports, "Declared ports."));
  }
};

struct Mesh {
  std::string trust_domain = "cluster.local";
  std::string trust_bundle;  // PEM, one or more roots

  bool operator==(const Mesh&) const = default;
  static constexpr auto Describe() {
    return json::Object("What every sidecar needs.",
                        json::Field("trustDomain", &Mesh::trust_domain, "Trust domain of all identities.",
                                    {.required = true}),
                        json::Field("trustBundle", &Mesh::trust_bundle, "Roots, PEM.", {.required = true}));
  }
};

// One resource as it travels: its name, the version of its content, and the JSON text of the struct that the
// name calls for. The version is a hash of the body: equal versions mean equal bodies.
struct Resource {
  std::string name;
  std::string version;
  std::string body;

  bool operator==(const Resource&) const = default;
};

}  // namespace tulle::meshconfig
