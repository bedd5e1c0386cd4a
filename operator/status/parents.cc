#include "operator/status/parents.h"

#include <nlohmann/json.hpp>

#include "lib/json/print.h"
#include "operator/status/conditions.h"

namespace tulle::control::status {

using nlohmann::json;

const std::vector<model::Condition>& Route::ConditionsOf(const model::ParentRef& parent) const {
  static const std::vector<model::Condition> kNone;
  for (const model::ParentStatus& status : statuses) {
    if (status.controller == kControllerName && status.parent == parent) return status.conditions;
  }
  return kNone;
}

std::optional<json> PatchOfParents(const Route& route, std::vector<ParentConditions> wanted,
                                   const std::string& now) {
  json parents = json::array();
  size_t ours = 0;
  for (const model::ParentStatus& status : route.statuses) {
    if (status.controller == kControllerName) {
      ++ours;
    } else {
      parents.push_back(json::parse(status.text));
    }
  }
  bool different = ours != wanted.size();
  for (ParentConditions& entry : wanted) {
    const std::vector<model::Condition>& present = route.ConditionsOf(entry.parent);
    const auto changed = Changed(present, std::move(entry.conditions), now);
    different |= changed.has_value();
    parents.push_back({{"parentRef", tulle::json::Print(entry.parent)},
                       {"controllerName", kControllerName},
                       {"conditions", ToJson(changed.value_or(present))}});
  }
  if (!different) return std::nullopt;
  return json{{"metadata", {{"resourceVersion", route.resource_version}}},
              {"status", {{"parents", parents}}}};
}

json ToJson(const std::vector<model::Condition>& conditions) {
  json list = json::array();
  for (const model::Condition& c : conditions) {
    list.push_back({{"type", c.type},
                    {"status", c.status},
                    {"reason", c.reason},
                    {"message", c.message},
                    {"observedGeneration", c.observed_generation},
                    {"lastTransitionTime", c.last_transition_time}});
  }
  return list;
}

}  // namespace tulle::control::status
