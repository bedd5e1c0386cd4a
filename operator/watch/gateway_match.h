#pragma once

#include "operator/model/gateway.h"

namespace tulle::control::watch {

// A match of the Gateway API in the words of the mesh, and how specific it is. Of several conditions on the
// same name the first one counts.
model::GatewayMatch TranslateMatch(const resources::gateway::HttpMatch& match);
model::GatewayMatch TranslateMatch(const resources::gateway::GrpcMatch& match);

// "/a/" means what "/a" means.
std::string WithoutSlash(std::string prefix);

}  // namespace tulle::control::watch
