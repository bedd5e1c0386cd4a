#include "operator/compile/gateway_refs.h"

#include <algorithm>

#include "lib/meshconfig/names.h"
#include "operator/compile/refs.h"

namespace tulle::control::compile {
namespace {

std::string At(const std::string& field, size_t index) { return field + "[" + std::to_string(index) + "]"; }

bool IsParent(const model::GatewayRoute& route, const std::string& service_key) {
  return std::any_of(route.parents.begin(), route.parents.end(), [&](const model::ParentRef& parent) {
    return parent.IsService() && KeyOf(route, parent) == service_key;
  });
}

bool IsGranted(const model::Model& model, const model::GatewayRoute& route, const std::string& ns,
               const std::string& service) {
  const model::ReferenceGrant::From from{std::string(resources::gateway::kGroup), KindName(route.meta.kind),
                                         route.meta.ns};
  for (const auto& [key, grant] : model.reference_grants) {
    if (grant.ns != ns || std::find(grant.from.begin(), grant.from.end(), from) == grant.from.end()) continue;
    for (const model::ReferenceGrant::To& to : grant.to) {
      if (to.group.empty() && to.kind == "Service" && (to.name.empty() || to.name == service)) return true;
    }
  }
  return false;
}

// One lookup: the destination, or the error with its reason.
meshconfig::WeightedBackend Resolve(const model::Model& model, const model::GatewayRoute& route,
                                    const model::ObjectRef& to, const std::string& path,
                                    Unresolved& unresolved) {
  meshconfig::WeightedBackend backend;
  const std::string ns = to.ns.value_or(route.meta.ns), key = model::Key(ns, to.name);
  const auto fail = [&](const char* reason, const std::string& text) {
    backend.error = text;
    unresolved.Add(reason, path, text);
    return backend;
  };
  if (!to.group.empty() || to.kind != "Service") {
    return fail("InvalidKind", "the mesh sends requests to Services only, not to " + to.kind +
                                   (to.group.empty() ? "" : "." + to.group));
  }
  if (ns != route.meta.ns && !IsParent(route, key) && !IsGranted(model, route, ns, to.name)) {
    return fail("RefNotPermitted", "no ReferenceGrant of namespace " + ns + " allows " +
                                       KindName(route.meta.kind) + "s of namespace " + route.meta.ns +
                                       " to refer to Service " + to.name);
  }
  const auto service = model.services.find(key);
  if (service == model.services.end()) return fail("BackendNotFound", "Service " + key + " does not exist");
  if (!to.port) return fail("BackendNotFound", "the port of Service " + key + " is missing");
  if (PortOf(service->second, *to.port) == nullptr) {
    return fail("BackendNotFound", "Service " + key + " has no port " + std::to_string(*to.port));
  }
  backend.endpoints = meshconfig::EndpointsName(key);
  backend.port = *to.port;
  return backend;
}

}  // namespace

void Unresolved::Add(const char* why, const std::string& path, const std::string& text) {
  if (reason.empty()) reason = why;
  message += (message.empty() ? "" : "; ") + path + ": " + text;
}

std::string RouteName(const model::GatewayRoute& route) {
  return (route.meta.kind == model::CustomKind::kGrpcRoute ? "grpcroute/" : "httproute/") + route.meta.Key();
}

std::string KeyOf(const model::GatewayRoute& route, const model::ParentRef& parent) {
  return model::Key(parent.ns.value_or(route.meta.ns), parent.name);
}

ResolvedRule ResolveRule(const model::Model& model, const model::GatewayRoute& route,
                         const model::GatewayRule& rule, const std::string& path, Unresolved& unresolved) {
  ResolvedRule resolved{&rule, rule.actions};
  meshconfig::RouteRule& compiled = resolved.compiled;
  compiled.name = RouteName(route) + "#" + rule.actions.name;
  for (size_t i = 0; i < rule.backends.size(); ++i) {
    const model::GatewayBackend& from = rule.backends[i];
    meshconfig::WeightedBackend backend =
        Resolve(model, route, from.to, At(path + ".backendRefs", i), unresolved);
    backend.source = compiled.name + "." + std::to_string(i);
    backend.weight = from.weight;
    backend.request_headers = from.request_headers;
    backend.response_headers = from.response_headers;
    compiled.backends.push_back(std::move(backend));
  }
  if (compiled.backends.empty() && !compiled.redirect) {
    meshconfig::WeightedBackend& nowhere = compiled.backends.emplace_back();
    nowhere.source = compiled.name;
    nowhere.error = "the rule names no backend";
  }
  for (const model::GatewayMirror& from : rule.mirrors) {
    meshconfig::WeightedBackend backend = Resolve(model, route, from.to, path + ".filters", unresolved);
    backend.source = compiled.name;
    if (!backend.error) compiled.mirrors.push_back({std::move(backend), from.parts_per_million});
  }
  return resolved;
}

}  // namespace tulle::control::compile
