#include "operator/watch/read_gateway.h"

#include <nlohmann/json.hpp>

#include "lib/json/parse.h"
#include "operator/watch/gateway_rules.h"
#include "operator/watch/read_custom.h"

namespace tulle::control::watch {
namespace {

std::optional<model::ParentRef> ReadParent(const nlohmann::json& parent) {
  base::Result<model::ParentRef, json::Problems> read = json::Parse<model::ParentRef>(parent);
  return read.ok() ? std::optional(std::move(*read)) : std::nullopt;
}

std::vector<model::ParentStatus> ReadStatuses(const Field& parents) {
  std::vector<model::ParentStatus> statuses;
  for (const Field& from : parents.Items()) {
    model::ParentStatus& status = statuses.emplace_back();
    if (const Field parent = from["parentRef"]; parent.present()) status.parent = ReadParent(parent.raw());
    status.controller = from["controllerName"].Text();
    status.conditions = ReadConditions(from["conditions"]);
    status.text = from.raw().dump();
  }
  return statuses;
}

template <class Spec, class Route>
model::Object Read(model::CustomKind kind, const Field& object) {
  Route route;
  static_cast<model::GatewayRoute&>(route).meta = ReadMeta(kind, object);
  route.resource_version = object["metadata"]["resourceVersion"].Text();
  const Field spec = object["spec"];
  for (const Field& parent : spec["parentRefs"].Items()) {
    if (auto read = ReadParent(parent.raw())) route.parents.push_back(*std::move(read));
  }
  route.statuses = ReadStatuses(object["status"]["parents"]);
  base::Result<Spec, json::Problems> parsed =
      json::Parse<Spec>(spec.present() ? spec.raw() : nlohmann::json::object(), "spec");
  GatewayRules rules = parsed.ok() ? Translate(*parsed) : GatewayRules(parsed.failure());
  if (rules.ok()) {
    route.rules = std::move(*rules);
  } else {
    route.meta.problems = rules.failure();
  }
  return route;
}

}  // namespace

model::Object ReadGatewayRoute(model::Kind kind, const Field& object) {
  if (kind == model::Kind::kHttpRoute) {
    return Read<resources::gateway::HttpRoute, model::HttpRoute>(model::CustomKind::kHttpRoute, object);
  }
  return Read<resources::gateway::GrpcRoute, model::GrpcRoute>(model::CustomKind::kGrpcRoute, object);
}

model::Object ReadReferenceGrant(const Field& object) {
  model::ReferenceGrant grant{
      object["metadata"]["namespace"].Text(), object["metadata"]["name"].Text(), {}, {}};
  const Field spec = object["spec"];
  for (const Field& from : spec["from"].Items()) {
    grant.from.push_back({from["group"].Text(), from["kind"].Text(), from["namespace"].Text()});
  }
  for (const Field& to : spec["to"].Items()) {
    grant.to.push_back({to["group"].Text(), to["kind"].Text(), to["name"].Text()});
  }
  return grant;
}

}  // namespace tulle::control::watch
