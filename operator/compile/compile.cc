#include "operator/compile/compile.h"

#include <algorithm>
#include <set>

#include "lib/meshconfig/codec.h"
#include "lib/meshconfig/names.h"
#include "operator/compile/gateway.h"
#include "operator/compile/index.h"
#include "operator/compile/refs.h"
#include "operator/compile/service.h"
#include "operator/compile/workload.h"

namespace tulle::control::compile {
namespace {

class Compiler {
 public:
  Compiler(const model::Model& model, const Settings& settings)
      : model_(model),
        settings_(settings),
        index_(model, settings.trust_domain),
        gateway_(CompileGateway(model)) {}

  Compiled Run() {
    OpenVerdicts(model_.routes);
    OpenVerdicts(model_.splits);
    OpenVerdicts(model_.traffic_policies);
    OpenVerdicts(model_.access_policies);
    Add(std::string(meshconfig::kMeshName),
        meshconfig::Encode(meshconfig::Mesh{settings_.trust_domain, settings_.trust_bundle}));
    AddServices();
    AddWorkloads();
    AddPodAddresses();
    CloseVerdicts(model_.routes);
    CloseVerdicts(model_.splits);
    CloseVerdicts(model_.traffic_policies);
    CloseVerdicts(model_.access_policies);
    for (Verdict& verdict : gateway_.verdicts) compiled_.verdicts.push_back(std::move(verdict));
    return std::move(compiled_);
  }

 private:
  void Add(const std::string& name, std::string body, std::vector<std::string> refers_to = {}) {
    compiled_.entries.try_emplace(
        name, Entry{meshconfig::MakeResource(name, std::move(body)), std::move(refers_to)});
  }

  template <class T>
  void OpenVerdicts(const std::map<std::string, T>& objects) {
    for (const auto& [key, object] : objects) {
      Verdict& verdict = verdicts_[&object.meta];
      verdict.meta = object.meta;
      if constexpr (requires { object.spec->port; }) {
        if (object.spec) {
          ResolveParent(index_, model::Key(object.meta.ns, object.spec->service), object.spec->port, verdict);
        }
      } else if constexpr (requires { object.spec->service; }) {
        if (object.spec) {
          ResolveParent(index_, model::Key(object.meta.ns, object.spec->service), std::nullopt, verdict);
        }
      }
    }
  }

  // Problems of the document come last, because they overrule what the last good spec achieved.
  template <class T>
  void CloseVerdicts(const std::map<std::string, T>& objects) {
    for (const auto& [key, object] : objects) {
      Verdict& verdict = verdicts_[&object.meta];
      if (!object.meta.problems.empty()) {
        verdict.accepted = verdict.in_force = false;
        verdict.accepted_reason = "Invalid";
        verdict.accepted_message = json::JoinProblems(object.meta.problems);
        if (object.spec) verdict.accepted_message += "; the last valid version stays in force";
      }
      if (verdict.accepted_reason.empty()) verdict.accepted_reason = "Accepted";
      if (verdict.resolved_reason.empty()) verdict.resolved_reason = "ResolvedRefs";
      if (!verdict.in_force) verdict.shaped.clear();
      compiled_.verdicts.push_back(std::move(verdict));
    }
  }

  void AddServices() {
    std::set<std::string> versions;
    for (const auto& [key, service] : model_.services) {
      AddEndpoints(key, {});
      const meshconfig::Service compiled = CompileService(index_, gateway_, service, verdicts_);
      Add(meshconfig::ServiceName(key), meshconfig::Encode(compiled), AddBackends(compiled));
      for (const std::string& ip : service.cluster_ips) {
        Add(meshconfig::AddressName(ip), meshconfig::Encode(meshconfig::Address{ip, key, std::nullopt}),
            {meshconfig::ServiceName(key)});
      }
    }
  }

  // Makes the endpoints resources that the rules of a Service name, and returns their names.
  std::vector<std::string> AddBackends(const meshconfig::Service& service) {
    std::set<std::string> names;
    for (const meshconfig::ServicePort& port : service.ports) {
      for (const meshconfig::RouteRule& rule : port.rules) {
        const auto add = [&](const meshconfig::WeightedBackend& backend) {
          if (!backend.error && names.insert(backend.endpoints).second) AddVersion(backend.endpoints);
        };
        for (const meshconfig::WeightedBackend& backend : rule.backends) add(backend);
        for (const meshconfig::Mirror& mirror : rule.mirrors) add(mirror.backend);
      }
    }
    return {names.begin(), names.end()};
  }

  void AddVersion(const std::string& resource_name) {
    if (compiled_.entries.contains(resource_name)) return;
    const std::string name(meshconfig::WithoutKind(resource_name));
    const size_t query = name.find('?');
    model::Labels labels;
    for (size_t at = query; at != std::string::npos && at < name.size();) {
      const size_t end = std::min(name.find(',', at + 1), name.size());
      const std::string pair = name.substr(at + 1, end - at - 1);
      labels[pair.substr(0, pair.find('='))] = pair.substr(pair.find('=') + 1);
      at = end;
    }
    AddEndpoints(name.substr(0, query), labels);
  }

  void AddEndpoints(const std::string& service_key, const model::Labels& labels) {
    meshconfig::Endpoints compiled;
    compiled.name = VersionName(service_key, labels);
    const auto endpoints = index_.endpoints.find(service_key);
    if (endpoints == index_.endpoints.end()) return;
    for (const ServiceEndpoint& endpoint : endpoints->second) {
      const bool in_version =
          labels.empty() || (endpoint.pod != nullptr && model::Matches(labels, endpoint.pod->labels));
      if (in_version) compiled.endpoints.push_back(endpoint.endpoint);
    }
    Add(meshconfig::EndpointsName(compiled.name), meshconfig::Encode(compiled));
  }

  void AddWorkloads() {
    const DeclaredPorts declared = PortsDeclaredByServices(index_);
    for (const auto& [key, pods] : index_.workloads) {
      Add(meshconfig::WorkloadName(key),
          meshconfig::Encode(CompileWorkload(index_, key, pods, declared, verdicts_)));
    }
  }

  // Addresses of hostNetwork pods are those of nodes and stand for no pod. Where two pods claim the same
  // address, the one that is not going away has it.
  void AddPodAddresses() {
    for (const bool terminating : {false, true}) {
      for (const auto& [key, pod] : model_.pods) {
        if (pod.host_network || pod.finished || pod.terminating != terminating) continue;
        for (const std::string& ip : pod.ips) {
          meshconfig::Endpoint endpoint{ip, key, IdentityOf(pod, settings_.trust_domain), {}};
          Add(meshconfig::AddressName(ip),
              meshconfig::Encode(meshconfig::Address{ip, std::nullopt, std::move(endpoint)}));
        }
      }
    }
  }

  const model::Model& model_;
  const Settings& settings_;
  const Index index_;
  Gateway gateway_;
  Verdicts verdicts_;
  Compiled compiled_;
};

}  // namespace

Compiled Compile(const model::Model& model, const Settings& settings) {
  return Compiler(model, settings).Run();
}

}  // namespace tulle::control::compile
