#pragma once

#include <vector>

#include "lib/base/result.h"
#include "lib/json/fields.h"
#include "operator/model/gateway.h"

namespace tulle::control::watch {

// The rules of a route of the Gateway API in the words of the mesh. Pure. What the mesh cannot do is a
// problem with its path ("spec.rules[1].filters[0]: …"), never left out: a route is obeyed as a whole or not
// at all. What a sidecar would refuse is found here, too, by the reader that sidecars use.
using GatewayRules = base::Result<std::vector<model::GatewayRule>, json::Problems>;
GatewayRules Translate(const resources::gateway::HttpRoute& route);
GatewayRules Translate(const resources::gateway::GrpcRoute& route);

}  // namespace tulle::control::watch
