#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/json/fields.h"
#include "lib/meshconfig/access.h"
#include "lib/meshconfig/policy.h"
#include "lib/meshconfig/route.h"

// The mesh config: the one document format that the operator writes and the sidecar obeys. It consists of
// named, versioned resources, each of which is one of the structs below as JSON:
//
//   mesh                      Mesh       what every sidecar needs: trust domain and roots
//   workload/NS/NAME          Workload   how a workload is to be called: mTLS mode, access rules,
//                                        protocols of its ports
//   address/IP                Address    what an IP address stands for: a Service, an endpoint, or
//                                        nothing of the mesh
//   service/NS/NAME           Service    routes and call policy of a Service
//   endpoints/NS/NAME         Endpoints  who serves a Service; endpoints/NS/NAME?k=v,… is one version of it,
//                                        by labels
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
  std::vector<RateLimit> rate_limits;
  std::optional<Concurrency> concurrency;
  std::vector<WorkloadPort> ports;

  bool operator==(const Workload&) const = default;
  static constexpr auto Describe() {
    return json::Object(
        "How a workload is to be called.",
        json::Field("name", &Workload::name, "namespace/name", {.required = true}),
        json::Field("mtls", &Workload::mtls, "Whether plaintext is taken."),
        json::Field("mtlsSource", &Workload::mtls_source, "The policy that set mtls."),
        json::Field("rules", &Workload::rules, "Access rules."),
        json::Field("rateLimits", &Workload::rate_limits, "How often it may be called."),
        json::Field("concurrency", &Workload::concurrency, "How many requests its app is given at a time."),
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
