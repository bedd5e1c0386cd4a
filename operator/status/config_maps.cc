#include "operator/status/config_maps.h"

#include "lib/meshconfig/names.h"

namespace tulle::control::status {
namespace {

constexpr size_t kOverheadBytes = 64;  // of one resource in the document

// Adds the resource and all it refers to, or nothing at all when that would be too much.
bool AddClosure(const compile::Compiled& compiled, const std::string& root, std::set<std::string>& names,
                size_t& bytes) {
  std::set<std::string> added;
  std::vector<std::string> open = {root};
  size_t more = 0;
  while (!open.empty()) {
    const std::string name = std::move(open.back());
    open.pop_back();
    const auto entry = compiled.entries.find(name);
    if (entry == compiled.entries.end() || names.contains(name) || !added.insert(name).second) continue;
    more += entry->second.resource.body.size() + 2 * name.size() + kOverheadBytes;
    open.insert(open.end(), entry->second.refers_to.begin(), entry->second.refers_to.end());
  }
  if (bytes + more > kMaxDocumentBytes) return false;
  bytes += more;
  names.merge(added);
  return true;
}

}  // namespace

std::string ConfigMapName(const std::string& workload) {
  return "tulle-config-" + workload.substr(workload.find('/') + 1);
}

std::vector<meshconfig::Resource> DocumentOf(const compile::Compiled& compiled, const std::string& workload,
                                             const std::set<std::string>& addresses) {
  std::set<std::string> names;
  size_t bytes = 0;
  AddClosure(compiled, std::string(meshconfig::kMeshName), names, bytes);
  AddClosure(compiled, meshconfig::WorkloadName(workload), names, bytes);
  for (const std::string& address : addresses) AddClosure(compiled, address, names, bytes);
  std::vector<meshconfig::Resource> resources;
  for (const std::string& name : names) resources.push_back(compiled.entries.at(name).resource);
  return resources;
}

std::map<std::string, std::vector<meshconfig::Resource>> WantedDocuments(
    const View& view, const std::vector<distribute::ReplicaReport>& reports) {
  std::map<std::string, std::set<std::string>> addresses;  // by workload
  std::set<std::string> connected;
  for (const distribute::ReplicaReport& report : reports) {
    for (const distribute::SidecarReport& sidecar : report.sidecars) {
      connected.insert(sidecar.pod);
      std::set<std::string>& wanted = addresses[sidecar.workload];
      for (const std::string& name : sidecar.subscribed) {
        if (meshconfig::KindOf(name) == meshconfig::Kind::kAddress) wanted.insert(name);
      }
    }
  }
  std::set<std::string> complete, known;
  for (const InjectedPod& pod : view.pods) known.insert(pod.workload);
  complete = known;
  for (const InjectedPod& pod : view.pods) {
    if (pod.expected && !connected.contains(pod.key)) complete.erase(pod.workload);
  }
  std::map<std::string, std::vector<meshconfig::Resource>> documents;
  for (const auto& [workload, wanted] : addresses) {
    // What a sidecar says about itself counts only where a pod of that workload exists.
    if (complete.contains(workload)) documents[workload] = DocumentOf(*view.compiled, workload, wanted);
  }
  return documents;
}

}  // namespace tulle::control::status
