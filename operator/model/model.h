#pragma once

#include <map>
#include <string>
#include <variant>

#include "lib/resources/types.h"
#include "operator/model/gateway.h"
#include "operator/model/objects.h"

namespace tulle::control::model {

using Route = Custom<resources::Route>;
using Split = Custom<resources::Split>;
using TrafficPolicy = Custom<resources::TrafficPolicy>;
using AccessPolicy = Custom<resources::AccessPolicy>;

// The kinds that a registry delivers.
enum class Kind {
  kNamespace,
  kService,
  kEndpointSlice,
  kPod,
  kRoute,
  kSplit,
  kTrafficPolicy,
  kAccessPolicy,
  kHttpRoute,
  kGrpcRoute,
  kReferenceGrant,
};
inline constexpr int kKindCount = 11;

using Object = std::variant<Namespace, Service, EndpointSlice, Pod, Route, Split, TrafficPolicy, AccessPolicy,
                            HttpRoute, GrpcRoute, ReferenceGrant>;
inline Kind KindOf(const Object& object) { return static_cast<Kind>(object.index()); }

// "namespace/name"; for a Namespace its name.
std::string KeyOf(const Object& object);

// What a change means for those who look at the model.
enum class Effect { kNone, kStatusOnly, kConfig };

// The cluster as it is known now: the input of compile. A plain value keyed by "namespace/name"; the one
// thread that owns it applies changes in the order in which the registry reports them.
struct Model {
  std::map<std::string, Namespace> namespaces;
  std::map<std::string, Service> services;
  std::map<std::string, EndpointSlice> slices;
  std::map<std::string, Pod> pods;
  std::map<std::string, Route> routes;
  std::map<std::string, Split> splits;
  std::map<std::string, TrafficPolicy> traffic_policies;
  std::map<std::string, AccessPolicy> access_policies;
  std::map<std::string, HttpRoute> http_routes;
  std::map<std::string, GrpcRoute> grpc_routes;
  std::map<std::string, ReferenceGrant> reference_grants;

  // Puts the object in the place of the one with its key. A custom resource or route without a valid spec
  // takes over the spec of its predecessor: the last good one stays in force.
  Effect Put(Object object);
  Effect Remove(Kind kind, const std::string& key);

  size_t size() const;
};

}  // namespace tulle::control::model
