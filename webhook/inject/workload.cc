#include "webhook/inject/workload.h"

#include <nlohmann/json.hpp>

#include "lib/json/lookup.h"

namespace tulle::webhook::inject {

std::string WorkloadOf(const nlohmann::json& pod) {
  const nlohmann::json& metadata = json::At(pod, "metadata");
  for (const nlohmann::json& owner : json::ItemsAt(metadata, "ownerReferences")) {
    std::string name = json::TextAt(owner, "name");
    if (!json::TrueAt(owner, "controller") || name.empty()) continue;
    const std::string hash = json::TextAt(json::At(metadata, "labels"), "pod-template-hash");
    const std::string suffix = "-" + hash;
    const bool of_deployment = json::TextAt(owner, "kind") == "ReplicaSet" && !hash.empty() &&
                               name.size() > suffix.size() && name.ends_with(suffix);
    if (of_deployment) name.resize(name.size() - suffix.size());
    return name;
  }
  std::string name = json::TextAt(metadata, "name");
  if (!name.empty()) return name;
  name = json::TextAt(metadata, "generateName");
  while (name.ends_with('-') || name.ends_with('.')) name.pop_back();
  return name;
}

}  // namespace tulle::webhook::inject
