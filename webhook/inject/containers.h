#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "webhook/inject/exclusions.h"
#include "webhook/inject/inject.h"

// What is put into a pod, as the values of its JSON.
namespace tulle::webhook::inject {

nlohmann::ordered_json InitContainer(const Settings& settings, const Exclusions& exclusions);

// `probes` is what RewriteProbes returned.
nlohmann::ordered_json SidecarContainer(const Settings& settings, const std::string& workload,
                                        const nlohmann::ordered_json& probes);

// A list of volumes.
nlohmann::ordered_json Volumes(const std::string& workload);

}  // namespace tulle::webhook::inject
