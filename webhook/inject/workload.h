#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace tulle::webhook::inject {

// The name of what a pod belongs to: of the Deployment whose ReplicaSet owns it, else of its controller
// (StatefulSet, DaemonSet, Job, …), else its own, without the dash of a generateName.
std::string WorkloadOf(const nlohmann::json& pod);

}  // namespace tulle::webhook::inject
