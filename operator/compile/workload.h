#pragma once

#include <map>
#include <string>
#include <vector>

#include "lib/meshconfig/types.h"
#include "operator/compile/index.h"
#include "operator/compile/service.h"

namespace tulle::control::compile {

// What the Services say about the ports of each pod, by pod key and pod port.
using DeclaredPorts = std::map<std::string, std::map<int64_t, meshconfig::Protocol>>;
DeclaredPorts PortsDeclaredByServices(const Index& index);

// How a workload is to be called. `pods` are its pods, at least one. A policy applies when its selector
// matches any of them.
meshconfig::Workload CompileWorkload(const Index& index, const std::string& key,
                                     const std::vector<const model::Pod*>& pods,
                                     const DeclaredPorts& declared, Verdicts& verdicts);

}  // namespace tulle::control::compile
