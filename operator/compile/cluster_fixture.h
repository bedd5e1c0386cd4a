#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "lib/meshconfig/codec.h"
#include "operator/compile/compile.h"

namespace tulle::control::compile {

// A cluster in a few words, for tests: add objects, compile, look at what came out. Every name is
// "namespace/name". Each pod gets the service account "default" unless said otherwise.
class Cluster {
 public:
  Cluster& Service(const std::string& key, const std::string& ip, std::vector<model::ServicePort> ports) {
    model::Service service{Ns(key), Name(key), {}, std::move(ports)};
    if (!ip.empty()) service.cluster_ips.push_back(ip);
    model_.Put(service);
    return *this;
  }

  // A ready pod behind Service `service` (none if empty); all ports of the Service lead to port 8080 of it.
  Cluster& Pod(const std::string& key, const std::string& ip, const std::string& service,
               model::Labels labels = {}) {
    model::Pod pod;
    pod.ns = Ns(key);
    pod.name = Name(key);
    pod.labels = std::move(labels);
    pod.service_account = "default";
    pod.ips = {ip};
    model_.Put(pod);
    if (service.empty()) return *this;
    model::EndpointSlice slice;
    slice.ns = Ns(service);
    slice.name = Name(service) + "-" + Name(key);
    slice.service = Name(service);
    slice.endpoints.push_back({{ip}, key, true, true, false});
    for (const auto& port : model_.services.at(service).ports) slice.ports.push_back({port.name, 8080});
    model_.Put(slice);
    return *this;
  }

  // The pod as the webhook leaves it.
  Cluster& Injected(const std::string& key, const std::string& workload) {
    model::Pod& pod = model_.pods.at(key);
    pod.meshed = pod.sidecar_started = true;
    pod.workload = workload;
    return *this;
  }

  template <class Spec>
  Cluster& Add(model::CustomKind kind, const std::string& key, Spec spec,
               const std::string& created = "2026") {
    model::Custom<Spec> object;
    object.meta = {.kind = kind, .ns = Ns(key), .name = Name(key), .uid = key, .created = created};
    object.meta.generation = 1;
    object.spec = std::move(spec);
    model_.Put(std::move(object));
    return *this;
  }
  Cluster& Split(const std::string& key, resources::Split spec, const std::string& created = "2026") {
    return Add(model::CustomKind::kSplit, key, std::move(spec), created);
  }
  Cluster& Route(const std::string& key, resources::Route spec, const std::string& created = "2026") {
    return Add(model::CustomKind::kRoute, key, std::move(spec), created);
  }
  Cluster& Calls(const std::string& key, resources::TrafficPolicy spec) {
    return Add(model::CustomKind::kTrafficPolicy, key, std::move(spec));
  }
  Cluster& Policy(const std::string& key, resources::AccessPolicy spec, const std::string& created = "2026") {
    return Add(model::CustomKind::kAccessPolicy, key, std::move(spec), created);
  }

  model::Model& model() { return model_; }
  Compiled Compile() const { return compile::Compile(model_, {"cluster.local", "ROOTS"}); }

  static meshconfig::Service ServiceIn(const Compiled& compiled, const std::string& key) {
    return Body(meshconfig::DecodeService, compiled, "service/" + key);
  }
  static meshconfig::Endpoints EndpointsIn(const Compiled& compiled, const std::string& name) {
    return Body(meshconfig::DecodeEndpoints, compiled, "endpoints/" + name);
  }
  static meshconfig::Workload WorkloadIn(const Compiled& compiled, const std::string& key) {
    return Body(meshconfig::DecodeWorkload, compiled, "workload/" + key);
  }
  static meshconfig::Address AddressIn(const Compiled& compiled, const std::string& ip) {
    return Body(meshconfig::DecodeAddress, compiled, "address/" + ip);
  }
  static Verdict VerdictIn(const Compiled& compiled, const std::string& text) {
    for (const Verdict& verdict : compiled.verdicts) {
      if (verdict.meta.Text() == text) return verdict;
    }
    ADD_FAILURE() << "no verdict on " << text;
    return {};
  }

 private:
  static std::string Ns(const std::string& key) { return key.substr(0, key.find('/')); }
  static std::string Name(const std::string& key) { return key.substr(key.find('/') + 1); }

  // Reads every body with the reader of the sidecar, so that a resource that it would refuse fails the test.
  template <class T>
  static T Body(base::Result<T, json::Problems> (*decode)(std::string_view), const Compiled& compiled,
                const std::string& name) {
    const auto entry = compiled.entries.find(name);
    if (entry == compiled.entries.end()) {
      ADD_FAILURE() << "no resource " << name;
      return {};
    }
    auto read = decode(entry->second.resource.body);
    if (read.ok()) return std::move(*read);
    ADD_FAILURE() << name << ": " << json::JoinProblems(read.failure());
    return {};
  }

  model::Model model_;
};

}  // namespace tulle::control::compile
