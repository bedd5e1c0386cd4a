#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "operator/model/gateway.h"

namespace tulle::control::status {

// Who we are in the statuses of the Gateway API's routes, which several controllers share.
inline constexpr const char* kControllerName = "tulle.dev/controller";

// A route of the Gateway API with the status that the API server has.
struct Route {
  model::Meta meta;
  std::vector<model::ParentStatus> statuses;
  std::string resource_version;

  // Our conditions of this parent; none where we have said nothing yet.
  const std::vector<model::Condition>& ConditionsOf(const model::ParentRef& parent) const;
};

struct ParentConditions {
  model::ParentRef parent;
  std::vector<model::Condition> conditions;
};

// The patch that makes our part of status.parents say `wanted`, in place of all that we said before; what
// other controllers say stays. It is for the resource version of `route` only, so that nothing is lost that
// another writes meanwhile. Nothing when the status says so already.
std::optional<nlohmann::json> PatchOfParents(const Route& route, std::vector<ParentConditions> wanted,
                                             const std::string& now);

// As metav1.Condition.
nlohmann::json ToJson(const std::vector<model::Condition>& conditions);

}  // namespace tulle::control::status
