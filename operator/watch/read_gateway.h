#pragma once

#include "operator/model/model.h"
#include "operator/watch/field.h"

namespace tulle::control::watch {

inline constexpr const char* kGatewayVersion = "gateway.networking.k8s.io/v1";
inline constexpr const char* kGrantVersion = "gateway.networking.k8s.io/v1beta1";

// A route of the Gateway API. What is wrong in its spec, and what the mesh cannot do of it, becomes
// meta.problems; its parents are read in any case, because that is where the answer goes.
model::Object ReadGatewayRoute(model::Kind kind, const Field& object);

model::Object ReadReferenceGrant(const Field& object);

}  // namespace tulle::control::watch
