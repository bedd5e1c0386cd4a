#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lib/json/fields.h"

// The objects of a cluster as the mesh needs them: plain values, nothing of the wire form left. IP addresses
// are in the form in which inet_ntop prints them, so that equal addresses are equal text.
namespace tulle::control::model {

using Labels = std::map<std::string, std::string>;

// "namespace/name", the key of every namespaced object.
inline std::string Key(const std::string& ns, const std::string& name) { return ns + "/" + name; }

// Whether `labels` carry every pair of `selector`; an empty selector matches everything.
bool Matches(const Labels& selector, const Labels& labels);

struct Namespace {
  std::string name;
  Labels labels;
  bool operator==(const Namespace&) const = default;
};

struct ServicePort {
  std::string name;
  int64_t port = 0;
  std::string app_protocol;
  bool operator==(const ServicePort&) const = default;
};

struct Service {
  std::string ns;
  std::string name;
  std::vector<std::string> cluster_ips;  // empty for a headless Service
  std::vector<ServicePort> ports;
  bool operator==(const Service&) const = default;
};

struct SliceEndpoint {
  std::vector<std::string> addresses;
  std::string pod;  // "shop/web-1"; empty when it is not a pod
  bool ready = true;
  bool serving = true;
  bool terminating = false;
  bool operator==(const SliceEndpoint&) const = default;
};

struct SlicePort {
  std::string name;  // of the Service port
  int64_t port = 0;  // of the endpoint
  bool operator==(const SlicePort&) const = default;
};

struct EndpointSlice {
  std::string ns;
  std::string name;
  std::string service;  // name, in the same namespace
  std::vector<SliceEndpoint> endpoints;
  std::vector<SlicePort> ports;
  bool operator==(const EndpointSlice&) const = default;
};

struct ContainerPort {
  std::string name;
  int64_t port = 0;
  bool operator==(const ContainerPort&) const = default;
};

struct Pod {
  std::string ns;
  std::string name;
  Labels labels;
  std::string workload;  // annotation tulle.dev/workload, without the namespace; empty when not injected
  std::string service_account;
  std::vector<std::string> ips;
  std::vector<ContainerPort> ports;
  bool host_network = false;
  bool meshed = false;           // a sidecar was injected
  bool sidecar_started = false;  // and has passed its start-up probe
  bool finished = false;         // phase Succeeded or Failed: its address is free for others
  bool terminating = false;
  bool operator==(const Pod&) const = default;
};

// One condition of a status, as metav1.Condition.
struct Condition {
  std::string type;
  std::string status;  // "True", "False", "Unknown"
  std::string reason;
  std::string message;
  int64_t observed_generation = 0;
  std::string last_transition_time;
  bool operator==(const Condition&) const = default;
};

enum class CustomKind { kRoute, kSplit, kTrafficPolicy, kAccessPolicy, kHttpRoute, kGrpcRoute };
const char* KindName(CustomKind kind);

// What every custom resource, and every route of the Gateway API, has beside its spec. `problems` are those
// of the current generation; the spec that stands beside them is then the last one without problems.
struct Meta {
  CustomKind kind = CustomKind::kSplit;
  std::string ns;
  std::string name;
  std::string uid;
  std::string created;  // RFC 3339, so that text order is time order
  int64_t generation = 0;
  json::Problems problems = {};
  std::vector<Condition> conditions = {};

  std::string Key() const { return model::Key(ns, name); }
  // "Split shop/web", for messages.
  std::string Text() const { return std::string(KindName(kind)) + " " + Key(); }
};

// The order in which objects that want the same thing are asked: older first, then by name.
bool Precedes(const Meta& a, const Meta& b);

template <class Spec>
struct Custom {
  Meta meta;
  std::optional<Spec> spec;
};

}  // namespace tulle::control::model
