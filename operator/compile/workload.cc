#include "operator/compile/workload.h"

#include <algorithm>

#include "lib/meshconfig/names.h"
#include "operator/compile/protocol.h"
#include "operator/compile/refs.h"

namespace tulle::control::compile {
namespace {

using meshconfig::MtlsMode;

void AddLimits(const model::AccessPolicy& policy, meshconfig::Workload& workload) {
  const resources::AccessPolicy& spec = *policy.spec;
  for (size_t i = 0; i < spec.rate_limits.size(); ++i) {
    const resources::RateLimit& from = spec.rate_limits[i];
    meshconfig::RateLimit limit;
    limit.name = policy.meta.Key() + "#" + std::to_string(i);
    limit.mode = from.mode.value_or(limit.mode);
    limit.requests = from.requests;
    limit.per = from.per.value_or(limit.per);
    limit.burst = from.burst.value_or(from.requests);
    limit.by = from.by.value_or(limit.by);
    limit.header = from.header.value_or("");
    limit.to = from.to;
    workload.rate_limits.push_back(std::move(limit));
  }
  if (!spec.concurrency || workload.concurrency) return;
  meshconfig::Concurrency& limit = workload.concurrency.emplace();
  limit.name = policy.meta.Key();
  limit.mode = spec.concurrency->mode.value_or(limit.mode);
  limit.minimum = spec.concurrency->minimum.value_or(limit.minimum);
  limit.maximum = std::max(spec.concurrency->maximum.value_or(limit.maximum), limit.minimum);
  limit.initial = std::clamp(limit.initial, limit.minimum, limit.maximum);
}

void AddPolicy(const model::AccessPolicy& policy, meshconfig::Workload& workload) {
  const resources::AccessPolicy& spec = *policy.spec;
  // The strictest counts; among equals the oldest is named as the source.
  const bool says_more = spec.mtls && (workload.mtls_source.empty() || (*spec.mtls == MtlsMode::kStrict &&
                                                                        workload.mtls != MtlsMode::kStrict));
  if (says_more) {
    workload.mtls = *spec.mtls;
    workload.mtls_source = policy.meta.Key();
  }
  for (size_t i = 0; i < spec.rules.size(); ++i) {
    const resources::PolicyRule& rule = spec.rules[i];
    workload.rules.push_back({policy.meta.Key() + "#" + std::to_string(i), rule.action, rule.from, rule.to});
  }
  AddLimits(policy, workload);
}

std::vector<meshconfig::WorkloadPort> PortsOf(const std::vector<const model::Pod*>& pods,
                                              const DeclaredPorts& declared) {
  std::map<int64_t, meshconfig::Protocol> by_service, by_container;
  for (const model::Pod* pod : pods) {
    for (const model::ContainerPort& port : pod->ports) {
      const auto [known, is_new] = by_container.try_emplace(port.port, meshconfig::Protocol::kDetect);
      known->second = Agreed(known->second, DeclaredProtocol("", port.name));
    }
    const auto found = declared.find(model::Key(pod->ns, pod->name));
    if (found == declared.end()) continue;
    for (const auto& [port, protocol] : found->second) {
      const auto [known, is_new] = by_service.try_emplace(port, protocol);
      known->second = Agreed(known->second, protocol);
    }
  }
  by_service.merge(by_container);  // what a Service says goes before the name of a container port
  std::vector<meshconfig::WorkloadPort> ports;
  for (const auto& [port, protocol] : by_service) ports.push_back({port, protocol});
  return ports;
}

}  // namespace

DeclaredPorts PortsDeclaredByServices(const Index& index) {
  DeclaredPorts declared;
  for (const auto& [key, endpoints] : index.endpoints) {
    const model::Service& service = index.model.services.at(key);
    for (const ServiceEndpoint& endpoint : endpoints) {
      if (endpoint.pod == nullptr) continue;
      for (const meshconfig::TargetPort& target : endpoint.endpoint.ports) {
        const model::ServicePort* port = PortOf(service, target.port);
        const meshconfig::Protocol protocol = DeclaredProtocol(port->app_protocol, port->name);
        const auto [known, is_new] = declared[endpoint.endpoint.pod].try_emplace(target.target, protocol);
        known->second = Agreed(known->second, protocol);
      }
    }
  }
  return declared;
}

meshconfig::Workload CompileWorkload(const Index& index, const std::string& key,
                                     const std::vector<const model::Pod*>& pods,
                                     const DeclaredPorts& declared, Verdicts& verdicts) {
  meshconfig::Workload workload;
  workload.name = key;
  workload.ports = PortsOf(pods, declared);
  const auto policies = index.access_policies.find(pods.front()->ns);
  if (policies == index.access_policies.end()) return workload;
  for (const model::AccessPolicy* policy : policies->second) {
    const bool applies = std::any_of(pods.begin(), pods.end(), [&](const model::Pod* pod) {
      return model::Matches(policy->spec->selector, pod->labels);
    });
    if (!applies) continue;
    AddPolicy(*policy, workload);
    verdicts[&policy->meta].shaped.push_back(meshconfig::WorkloadName(key));
  }
  return workload;
}

}  // namespace tulle::control::compile
