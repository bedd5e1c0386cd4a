#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/meshconfig/stream.h"
#include "lib/meshconfig/types.h"
#include "sidecar/config/snapshot.h"

namespace tulle::sidecar::config {

// All mesh config that this sidecar holds, by resource name, each with its decoded form. One bad resource is
// rejected alone: the last good one of that name stays. No I/O; used on one thread.
class Store {
 public:
  // Nothing when the resource is in force now; else why not.
  std::optional<std::string> Put(const meshconfig::Resource& resource);
  void Remove(const std::string& name);

  // Keeps only what `roots` refer to, directly or through services; `roots` are resource names.
  void Retain(const std::vector<std::string>& roots);

  bool Has(std::string_view name) const { return resources_.find(name) != resources_.end(); }
  std::vector<meshconfig::Held> Held() const;
  std::vector<meshconfig::Resource> Resources() const;

  // A consistent picture of everything held. Shares the decoded parts.
  std::shared_ptr<Snapshot> MakeSnapshot() const;

 private:
  struct Entry {
    meshconfig::Resource resource;
    std::shared_ptr<const meshconfig::Mesh> mesh;
    std::shared_ptr<const Workload> workload;
    std::shared_ptr<const Service> service;
    std::shared_ptr<const EndpointSet> endpoints;
    std::shared_ptr<const meshconfig::Address> address;
  };
  std::optional<std::string> Decode(Entry& entry) const;

  std::map<std::string, Entry, std::less<>> resources_;
};

}  // namespace tulle::sidecar::config
