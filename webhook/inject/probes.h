#pragma once

#include <nlohmann/json_fwd.hpp>

#include "lib/base/result.h"
#include "webhook/inject/patch.h"

namespace tulle::webhook::inject {

// The kubelet has no mesh identity, so under strict mTLS its probes of the app would be refused. Every
// httpGet, tcpSocket and grpc probe of the app's containers, and of its own native sidecars, is pointed at
// the sidecar, which carries it out inside of the pod. Left alone are exec probes and those that name another
// host: they do not come in through the pod's network.
//
// Adds to `patch` what changes and returns what the sidecar has to know, for TULLE_PROBES:
// "<container>/<liveness| readiness|startup>" -> the probe as it was, its port a number. Fails on a port name
// that the container does not have.
base::Result<nlohmann::ordered_json> RewriteProbes(const nlohmann::json& pod, Patch& patch);

}  // namespace tulle::webhook::inject
