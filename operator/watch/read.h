#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "lib/base/result.h"
#include "lib/json/fields.h"
#include "operator/model/model.h"

// From the JSON form of Kubernetes objects to the values of the model. Pure.
namespace tulle::control::watch {

inline constexpr const char* kApiGroupVersion = "tulle.dev/v1alpha1";

// The kind of the object; nothing for one that the mesh has no use for.
std::optional<model::Kind> KindOf(const nlohmann::json& object);

// An object of core/v1, discovery.k8s.io/v1, tulle.dev/v1alpha1 or gateway.networking.k8s.io. A problem
// outside the spec of a custom resource or route makes the object unreadable; problems in its spec become
// part of the result, for its conditions.
base::Result<model::Object, json::Problems> ReadObject(model::Kind kind, const nlohmann::json& object);

// The address in the one form that the model uses; nothing where it is no address.
std::optional<std::string> NormalIp(const std::string& text);

}  // namespace tulle::control::watch
