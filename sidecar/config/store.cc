#include "sidecar/config/store.h"

#include <set>

#include "lib/meshconfig/codec.h"
#include "lib/meshconfig/names.h"

namespace tulle::sidecar::config {
namespace {

using meshconfig::Kind;

// The compiled form of an endpoint, or nothing when its address is none.
std::optional<Endpoint> CompileEndpoint(const meshconfig::Endpoint& endpoint) {
  const auto address = io::SocketAddress::Parse(endpoint.address, 0);
  if (!address) return std::nullopt;
  return Endpoint{*address, endpoint.pod, endpoint.identity, endpoint.ports};
}

std::shared_ptr<const Service> CompileService(const meshconfig::Service& service,
                                              std::shared_ptr<protect::Usage> usage) {
  auto compiled = std::make_shared<Service>();
  compiled->name = service.name;
  compiled->policy = service.policy;
  compiled->usage = std::move(usage);
  for (const meshconfig::ServicePort& port : service.ports) {
    ServicePort& made = compiled->ports[static_cast<uint16_t>(port.port)];
    made.protocol = port.protocol;
    for (const meshconfig::RouteRule& rule : port.rules) made.rules.emplace_back(rule);
  }
  return compiled;
}

base::Result<std::shared_ptr<const EndpointSet>> CompileEndpoints(const meshconfig::Endpoints& endpoints) {
  auto compiled = std::make_shared<EndpointSet>();
  compiled->name = endpoints.name;
  for (const meshconfig::Endpoint& endpoint : endpoints.endpoints) {
    auto made = CompileEndpoint(endpoint);
    if (!made) return base::Failure{"endpoints: \"" + endpoint.address + "\" is not an IP address"};
    compiled->endpoints.push_back(std::move(*made));
  }
  return std::shared_ptr<const EndpointSet>(std::move(compiled));
}

}  // namespace

Workload::Workload(const meshconfig::Workload& workload)
    : name(workload.name),
      policy(workload),
      rate_limits(workload.rate_limits),
      concurrency(workload.concurrency) {
  for (const meshconfig::WorkloadPort& port : workload.ports)
    ports[static_cast<uint16_t>(port.port)] = port.protocol;
}

meshconfig::Protocol Workload::ProtocolOf(uint16_t port) const {
  const auto found = ports.find(port);
  return found == ports.end() ? meshconfig::Protocol::kDetect : found->second;
}

std::optional<std::string> Store::Decode(Entry& entry) const {
  const std::string& body = entry.resource.body;
  switch (meshconfig::KindOf(entry.resource.name)) {
    case Kind::kMesh: {
      auto mesh = meshconfig::DecodeMesh(body);
      if (!mesh) return json::JoinProblems(mesh.failure());
      entry.mesh = std::make_shared<const meshconfig::Mesh>(std::move(*mesh));
      return std::nullopt;
    }
    case Kind::kWorkload: {
      auto workload = meshconfig::DecodeWorkload(body);
      if (!workload) return json::JoinProblems(workload.failure());
      entry.workload = std::make_shared<const Workload>(*workload);
      return std::nullopt;
    }
    case Kind::kAddress: {
      auto address = meshconfig::DecodeAddress(body);
      if (!address) return json::JoinProblems(address.failure());
      if (!io::SocketAddress::Parse(address->address, 0))
        return "address: \"" + address->address + "\" is not an IP address";
      if (address->service && address->endpoint) return "address: both a Service and an endpoint";
      if (address->endpoint && !CompileEndpoint(*address->endpoint))
        return "endpoint: \"" + address->endpoint->address + "\" is not an IP address";
      entry.address = std::make_shared<const meshconfig::Address>(std::move(*address));
      return std::nullopt;
    }
    case Kind::kService: {
      auto service = meshconfig::DecodeService(body);
      if (!service) return json::JoinProblems(service.failure());
      const auto before = resources_.find(entry.resource.name);
      const bool known = before != resources_.end() && before->second.service != nullptr;
      entry.service = CompileService(
          *service, known ? before->second.service->usage : std::make_shared<protect::Usage>());
      return std::nullopt;
    }
    case Kind::kEndpoints: {
      auto endpoints = meshconfig::DecodeEndpoints(body);
      if (!endpoints) return json::JoinProblems(endpoints.failure());
      auto compiled = CompileEndpoints(*endpoints);
      if (!compiled) return compiled.failure().what;
      entry.endpoints = std::move(*compiled);
      return std::nullopt;
    }
    case Kind::kUnknown:
      break;
  }
  return "unknown kind of resource";
}

std::optional<std::string> Store::Put(const meshconfig::Resource& resource) {
  Entry entry{resource, {}, {}, {}, {}, {}};
  if (auto problem = Decode(entry)) return problem;
  resources_.insert_or_assign(resource.name, std::move(entry));
  return std::nullopt;
}

void Store::Remove(const std::string& name) { resources_.erase(name); }

void Store::Retain(const std::vector<std::string>& roots) {
  std::set<std::string> kept(roots.begin(), roots.end());
  for (const auto& [name, entry] : resources_) {
    if (!kept.contains(name) || !entry.address || !entry.address->service) continue;
    const std::string service = meshconfig::ServiceName(*entry.address->service);
    kept.insert(service);
    const auto found = resources_.find(service);
    if (found == resources_.end() || !found->second.service) continue;
    for (const auto& [port, config] : found->second.service->ports) {
      for (const route::Rule& rule : config.rules) {
        for (const auto& backend : rule.config().backends) kept.insert(backend.endpoints);
        for (const auto& mirror : rule.config().mirrors) kept.insert(mirror.backend.endpoints);
      }
    }
  }
  std::erase_if(resources_, [&](const auto& item) { return !kept.contains(item.first); });
}

std::vector<meshconfig::Held> Store::Held() const {
  std::vector<meshconfig::Held> held;
  for (const auto& [name, entry] : resources_) held.push_back({name, entry.resource.version});
  return held;
}

std::vector<meshconfig::Resource> Store::Resources() const {
  std::vector<meshconfig::Resource> all;
  for (const auto& [name, entry] : resources_) all.push_back(entry.resource);
  return all;
}

std::shared_ptr<Snapshot> Store::MakeSnapshot() const {
  auto snapshot = std::make_shared<Snapshot>();
  for (const auto& [name, entry] : resources_) {
    if (entry.mesh) snapshot->mesh = entry.mesh;
    if (entry.workload) snapshot->workload = entry.workload;
    if (entry.endpoints) snapshot->endpoints[name] = entry.endpoints;
    if (!entry.address) continue;
    Destination destination;
    if (entry.address->service) {
      const auto found = resources_.find(meshconfig::ServiceName(*entry.address->service));
      if (found == resources_.end()) continue;  // half an answer is none: the caller goes on waiting
      destination.service = found->second.service;
    } else if (entry.address->endpoint) {
      if (auto endpoint = CompileEndpoint(*entry.address->endpoint)) {
        destination.endpoint = std::make_shared<const Endpoint>(std::move(*endpoint));
      }
    }
    snapshot->destinations[*io::SocketAddress::Parse(entry.address->address, 0)] = std::move(destination);
  }
  return snapshot;
}

}  // namespace tulle::sidecar::config
