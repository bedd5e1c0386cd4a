#pragma once

#include <string>
#include <vector>

#include "lib/meshconfig/types.h"
#include "lib/resources/types.h"
#include "operator/compile/compile.h"
#include "operator/compile/index.h"

namespace tulle::control::compile {

// "shop/web" or "shop/web?app=a,version=v2": the name of an endpoints resource, without its kind.
std::string VersionName(const std::string& service_key, const model::Labels& labels);

// Where the requests of one backend go. What it refers to and does not exist becomes the `error` of the
// result and an unresolved reference of `verdict`, under `path` ("spec.backends[1]").
meshconfig::WeightedBackend ResolveBackend(const Index& index, const model::Service& parent, int64_t port,
                                           const resources::Backend& backend, const std::string& source,
                                           const std::string& path, Verdict& verdict);

// Whether the Service that a custom resource is for exists and has the port it names.
void ResolveParent(const Index& index, const std::string& service_key, std::optional<int64_t> port,
                   Verdict& verdict);

void AddUnresolved(Verdict& verdict, const std::string& path, const std::string& message);

const model::ServicePort* PortOf(const model::Service& service, int64_t port);

}  // namespace tulle::control::compile
