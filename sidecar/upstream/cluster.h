#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sidecar/balance/balance.h"
#include "sidecar/config/snapshot.h"
#include "sidecar/upstream/host.h"
#include "sidecar/upstream/outliers.h"

namespace tulle::sidecar::upstream {

// The endpoints of one backend on one port, with the state of their balancing. This is where an endpoint is
// picked.
class Cluster {
 public:
  // Takes over a newer list of endpoints; hosts that stay keep their connections and counts.
  void Update(const std::shared_ptr<const config::EndpointSet>& endpoints, uint16_t port, Hosts& hosts,
              const io::SocketAddress& self);

  // An endpoint for one attempt, or null where there is none. Hosts in `tried` are avoided while there are
  // others.
  std::shared_ptr<Host> Pick(meshconfig::LoadBalancing policy, const Tried& tried, io::TimePoint now,
                             uint64_t random);
  bool HasUntried(const Tried& tried) const;
  // What an attempt says of the host that Pick gave.
  Verdict Report(Host& host, protect::Result result, const meshconfig::OutlierDetection& policy,
                 io::TimePoint now, uint32_t random) {
    return upstream::Report(hosts_, host, result, policy, now, random);
  }

 private:
  std::shared_ptr<const config::EndpointSet> built_from_;
  std::vector<std::shared_ptr<Host>> hosts_;
  std::vector<balance::Load> loads_;  // scratch of Pick
  balance::Cursor cursor_;
};

// All clusters of one worker, by endpoints resource and Service port.
class Clusters {
 public:
  // `self` is this pod's own address: an endpoint there is our own app, called directly.
  Clusters(Hosts& hosts, io::SocketAddress self) : hosts_(hosts), self_(self) {}

  // The cluster for a backend as `snapshot` has it. Stays valid until Retain drops it, which only the loop
  // does between two requests; callers that wait hold the returned pointer.
  std::shared_ptr<Cluster> Get(const config::Snapshot& snapshot, std::string_view endpoints, uint16_t port);

  // Forgets clusters whose endpoints the snapshot no longer has.
  void Retain(const config::Snapshot& snapshot);

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  Hosts& hosts_;
  io::SocketAddress self_;
  std::unordered_map<std::string, std::unordered_map<uint16_t, std::shared_ptr<Cluster>>, Hash,
                     std::equal_to<>>
      clusters_;
};

}  // namespace tulle::sidecar::upstream
