#include "operator/compile/index.h"

#include <algorithm>
#include <tuple>

#include "lib/identity/spiffe.h"

namespace tulle::control::compile {
namespace {

bool IsV6(const std::string& ip) { return ip.find(':') != std::string::npos; }

// A dual-stack Service lists each pod once per family; callers are sent to the family of its first address.
bool OfSameFamily(const model::Service& service, const std::string& address) {
  return service.cluster_ips.empty() || IsV6(service.cluster_ips.front()) == IsV6(address);
}

std::vector<meshconfig::TargetPort> TargetPorts(const model::Service& service,
                                                const model::EndpointSlice& slice) {
  std::vector<meshconfig::TargetPort> ports;
  for (const model::ServicePort& port : service.ports) {
    for (const model::SlicePort& target : slice.ports) {
      if (target.name == port.name) ports.push_back({port.port, target.port});
    }
  }
  return ports;
}

template <class T>
void ByService(const std::map<std::string, T>& objects, std::map<std::string, std::vector<const T*>>& into) {
  for (const auto& [key, object] : objects) {
    if (object.spec) into[model::Key(object.meta.ns, object.spec->service)].push_back(&object);
  }
}

template <class T>
void SortByAge(std::map<std::string, std::vector<const T*>>& lists) {
  for (auto& [key, list] : lists) {
    std::sort(list.begin(), list.end(), [](const T* a, const T* b) { return Precedes(a->meta, b->meta); });
  }
}

}  // namespace

std::string IdentityOf(const model::Pod& pod, const std::string& trust_domain) {
  if (!pod.meshed || pod.host_network) return "";
  return identity::Print({trust_domain, pod.ns, pod.service_account});
}

std::vector<ServiceEndpoint> EndpointsOf(const model::Service& service,
                                         const std::vector<const model::EndpointSlice*>& slices,
                                         const std::map<std::string, model::Pod>& pods,
                                         const std::string& trust_domain) {
  std::map<std::string, ServiceEndpoint> ready, draining;  // by address
  for (const model::EndpointSlice* slice : slices) {
    const std::vector<meshconfig::TargetPort> ports = TargetPorts(service, *slice);
    for (const model::SliceEndpoint& endpoint : slice->endpoints) {
      auto& into = endpoint.ready ? ready : draining;
      if (!endpoint.ready && !(endpoint.serving && endpoint.terminating)) continue;
      const auto pod = pods.find(endpoint.pod);
      for (const std::string& address : endpoint.addresses) {
        if (!OfSameFamily(service, address)) continue;
        ServiceEndpoint& found = into[address];
        found.endpoint.address = address;
        found.endpoint.pod = endpoint.pod;
        if (pod != pods.end()) {
          found.pod = &pod->second;
          found.endpoint.identity = IdentityOf(pod->second, trust_domain);
        }
        found.endpoint.ports.insert(found.endpoint.ports.end(), ports.begin(), ports.end());
      }
    }
  }
  std::vector<ServiceEndpoint> result;
  for (auto& [address, endpoint] : ready.empty() ? draining : ready) {
    auto& ports = endpoint.endpoint.ports;
    std::sort(ports.begin(), ports.end(), [](const auto& a, const auto& b) {
      return std::tie(a.port, a.target) < std::tie(b.port, b.target);
    });
    ports.erase(std::unique(ports.begin(), ports.end()), ports.end());
    result.push_back(std::move(endpoint));
  }
  return result;
}

Index::Index(const model::Model& m, const std::string& domain) : model(m), trust_domain(domain) {
  std::map<std::string, std::vector<const model::EndpointSlice*>> slices;
  for (const auto& [key, slice] : model.slices) {
    slices[model::Key(slice.ns, slice.service)].push_back(&slice);
  }
  for (const auto& [key, service] : model.services) {
    endpoints[key] = EndpointsOf(service, slices[key], model.pods, trust_domain);
  }
  for (const auto& [key, pod] : model.pods) {
    if (!pod.workload.empty() && !pod.finished) workloads[model::Key(pod.ns, pod.workload)].push_back(&pod);
  }
  ByService(model.routes, routes);
  ByService(model.splits, splits);
  ByService(model.traffic_policies, traffic_policies);
  for (const auto& [key, policy] : model.access_policies) {
    if (policy.spec) access_policies[policy.meta.ns].push_back(&policy);
  }
  SortByAge(routes);
  SortByAge(splits);
  SortByAge(traffic_policies);
  SortByAge(access_policies);
}

}  // namespace tulle::control::compile
