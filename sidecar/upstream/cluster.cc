#include "sidecar/upstream/cluster.h"

#include <algorithm>

namespace tulle::sidecar::upstream {
namespace {

uint16_t TargetOf(const config::Endpoint& endpoint, uint16_t port) {
  for (const meshconfig::TargetPort& candidate : endpoint.ports) {
    if (candidate.port == port) return static_cast<uint16_t>(candidate.target);
  }
  return 0;
}

}  // namespace

void Cluster::Update(const std::shared_ptr<const config::EndpointSet>& endpoints, uint16_t port, Hosts& hosts,
                     const io::SocketAddress& self) {
  if (built_from_ == endpoints) return;
  built_from_ = endpoints;
  std::vector<std::shared_ptr<Host>> updated;
  if (endpoints != nullptr) {
    for (const config::Endpoint& endpoint : endpoints->endpoints) {
      const uint16_t target_port = TargetOf(endpoint, port);
      if (target_port == 0) continue;
      const bool own = endpoint.address == self;
      const Target target{endpoint.address.WithPort(target_port), own ? std::string() : endpoint.identity};
      updated.push_back(
          hosts.Get(target, target.identity.empty() ? io::Duration(kAppIdle) : io::Duration(kPeerIdle)));
    }
  }
  hosts_ = std::move(updated);
}

std::shared_ptr<Host> Cluster::Pick(meshconfig::LoadBalancing policy, const Tried& tried, io::TimePoint now,
                                    uint64_t random) {
  loads_.clear();
  for (const auto& host : hosts_) {
    loads_.push_back({host->active(), host->standing().avoided(now) || tried.Contains(host.get())});
  }
  const auto index = balance::Pick(policy, loads_, cursor_, random);
  return index ? hosts_[*index] : nullptr;
}

bool Cluster::HasUntried(const Tried& tried) const {
  return std::any_of(hosts_.begin(), hosts_.end(),
                     [&](const auto& host) { return !tried.Contains(host.get()); });
}

std::shared_ptr<Cluster> Clusters::Get(const config::Snapshot& snapshot, std::string_view endpoints,
                                       uint16_t port) {
  auto by_port = clusters_.find(endpoints);
  if (by_port == clusters_.end()) by_port = clusters_.emplace(std::string(endpoints), 0).first;
  std::shared_ptr<Cluster>& cluster = by_port->second[port];
  if (cluster == nullptr) cluster = std::make_shared<Cluster>();
  const auto current = snapshot.endpoints.find(by_port->first);
  cluster->Update(current == snapshot.endpoints.end() ? nullptr : current->second, port, hosts_, self_);
  return cluster;
}

void Clusters::Retain(const config::Snapshot& snapshot) {
  std::erase_if(clusters_, [&](const auto& item) { return !snapshot.endpoints.contains(item.first); });
}

}  // namespace tulle::sidecar::upstream
