#include "operator/compile/refs.h"

#include "lib/meshconfig/names.h"

namespace tulle::control::compile {

std::string VersionName(const std::string& service_key, const model::Labels& labels) {
  std::string name = service_key;
  char separator = '?';
  for (const auto& [key, value] : labels) {
    name += separator + key + "=" + value;
    separator = ',';
  }
  return name;
}

const model::ServicePort* PortOf(const model::Service& service, int64_t port) {
  for (const model::ServicePort& candidate : service.ports) {
    if (candidate.port == port) return &candidate;
  }
  return nullptr;
}

void AddUnresolved(Verdict& verdict, const std::string& path, const std::string& message) {
  const std::string text = path + ": " + message;
  // The same backend is looked at for every port of the Service.
  if (verdict.resolved_message.find(text) != std::string::npos) return;
  verdict.resolved = false;
  verdict.resolved_reason = "RefNotFound";
  verdict.resolved_message += (verdict.resolved_message.empty() ? "" : "; ") + text;
}

meshconfig::WeightedBackend ResolveBackend(const Index& index, const model::Service& parent, int64_t port,
                                           const resources::Backend& backend, const std::string& source,
                                           const std::string& path, Verdict& verdict) {
  const std::string key = model::Key(parent.ns, backend.service.value_or(parent.name));
  meshconfig::WeightedBackend resolved;
  resolved.source = source;
  resolved.endpoints = meshconfig::EndpointsName(VersionName(key, backend.labels));
  resolved.port = backend.port.value_or(port);
  resolved.weight = backend.weight;
  resolved.request_headers = backend.request_headers;
  resolved.response_headers = backend.response_headers;
  const auto service = index.model.services.find(key);
  if (service == index.model.services.end()) {
    resolved.error = "Service " + key + " does not exist";
    AddUnresolved(verdict, path + ".service", *resolved.error);
  } else if (PortOf(service->second, resolved.port) == nullptr) {
    resolved.error = "Service " + key + " has no port " + std::to_string(resolved.port);
    AddUnresolved(verdict, path + (backend.port ? ".port" : ".service"), *resolved.error);
  }
  return resolved;
}

void ResolveParent(const Index& index, const std::string& service_key, std::optional<int64_t> port,
                   Verdict& verdict) {
  const auto service = index.model.services.find(service_key);
  if (service == index.model.services.end()) {
    AddUnresolved(verdict, "spec.service", "Service " + service_key + " does not exist");
    verdict.in_force = false;
  } else if (port && PortOf(service->second, *port) == nullptr) {
    AddUnresolved(verdict, "spec.port", "Service " + service_key + " has no port " + std::to_string(*port));
    verdict.in_force = false;
  } else {
    verdict.shaped.push_back(meshconfig::ServiceName(service_key));
  }
}

}  // namespace tulle::control::compile
