#include "operator/model/model.h"

#include <utility>

namespace tulle::control::model {
namespace {

std::string KeyIn(const Namespace& object) { return object.name; }
template <class Spec>
std::string KeyIn(const Custom<Spec>& object) {
  return object.meta.Key();
}
template <class T>
std::string KeyIn(const T& object) {
  if constexpr (std::is_base_of_v<GatewayRoute, T>) {
    return object.meta.Key();
  } else {
    return Key(object.ns, object.name);
  }
}

template <class T>
Effect PutInto(std::map<std::string, T>& objects, T object) {
  auto [place, is_new] = objects.try_emplace(KeyIn(object));
  if (!is_new && place->second == object) return Effect::kNone;
  place->second = std::move(object);
  return Effect::kConfig;
}

template <class Spec>
Effect PutInto(std::map<std::string, Custom<Spec>>& objects, Custom<Spec> object) {
  auto [place, is_new] = objects.try_emplace(object.meta.Key());
  Custom<Spec>& old = place->second;
  const bool same_object = !is_new && old.meta.uid == object.meta.uid;
  const bool same_spec = same_object && old.meta.generation == object.meta.generation &&
                         old.meta.problems == object.meta.problems;
  if (same_spec && old.meta.conditions == object.meta.conditions) return Effect::kNone;
  if (!object.spec && same_object) object.spec = std::move(old.spec);
  old = std::move(object);
  return same_spec ? Effect::kStatusOnly : Effect::kConfig;
}

template <class Route>
requires std::is_base_of_v<GatewayRoute, Route> Effect PutInto(std::map<std::string, Route>& routes,
                                                               Route route) {
  auto [place, is_new] = routes.try_emplace(route.meta.Key());
  Route& old = place->second;
  const bool same_object = !is_new && old.meta.uid == route.meta.uid;
  const bool same_spec =
      same_object && old.meta.generation == route.meta.generation && old.meta.problems == route.meta.problems;
  const bool same_status = old.statuses == route.statuses && old.resource_version == route.resource_version;
  if (!route.rules && same_object) route.rules = std::move(old.rules);
  old = std::move(route);
  if (!same_spec) return Effect::kConfig;
  return same_status ? Effect::kNone : Effect::kStatusOnly;
}

template <class M, class F>
auto WithMap(M& model, Kind kind, F f) {
  switch (kind) {
    case Kind::kNamespace:
      return f(model.namespaces);
    case Kind::kService:
      return f(model.services);
    case Kind::kEndpointSlice:
      return f(model.slices);
    case Kind::kPod:
      return f(model.pods);
    case Kind::kRoute:
      return f(model.routes);
    case Kind::kSplit:
      return f(model.splits);
    case Kind::kTrafficPolicy:
      return f(model.traffic_policies);
    case Kind::kAccessPolicy:
      return f(model.access_policies);
    case Kind::kHttpRoute:
      return f(model.http_routes);
    case Kind::kGrpcRoute:
      return f(model.grpc_routes);
    case Kind::kReferenceGrant:
      return f(model.reference_grants);
  }
  __builtin_trap();
}

}  // namespace

std::string KeyOf(const Object& object) {
  return std::visit([](const auto& o) { return KeyIn(o); }, object);
}

Effect Model::Put(Object object) {
  return WithMap(*this, KindOf(object), [&](auto& objects) {
    using T = typename std::decay_t<decltype(objects)>::mapped_type;
    return PutInto(objects, std::get<T>(std::move(object)));
  });
}

Effect Model::Remove(Kind kind, const std::string& key) {
  return WithMap(*this, kind,
                 [&](auto& objects) { return objects.erase(key) > 0 ? Effect::kConfig : Effect::kNone; });
}

size_t Model::size() const {
  return namespaces.size() + services.size() + slices.size() + pods.size() + routes.size() + splits.size() +
         traffic_policies.size() + access_policies.size() + http_routes.size() + grpc_routes.size() +
         reference_grants.size();
}

}  // namespace tulle::control::model
