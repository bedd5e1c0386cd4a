#include "operator/status/view.h"

namespace tulle::control::status {
namespace {

constexpr const char* kOperatorService = "tulle-operator";

template <class T>
void AddCustoms(const std::map<std::string, T>& objects, std::map<std::string, model::Meta>& customs) {
  for (const auto& [key, object] : objects) customs[object.meta.Text()] = object.meta;
}

template <class T>
void AddRoutes(const std::map<std::string, T>& objects, std::map<std::string, Route>& routes) {
  for (const auto& [key, object] : objects) {
    routes[object.meta.Text()] = {object.meta, object.statuses, object.resource_version};
  }
}

}  // namespace

View MakeView(const model::Model& model, compile::Snapshot compiled, const std::string& ns) {
  View view;
  view.compiled = std::move(compiled);
  for (const auto& [key, pod] : model.pods) {
    if (pod.workload.empty() || pod.finished) continue;
    view.pods.push_back({key, model::Key(pod.ns, pod.workload), pod.sidecar_started && !pod.terminating});
  }
  AddCustoms(model.routes, view.customs);
  AddCustoms(model.splits, view.customs);
  AddCustoms(model.traffic_policies, view.customs);
  AddCustoms(model.access_policies, view.customs);
  AddRoutes(model.http_routes, view.routes);
  AddRoutes(model.grpc_routes, view.routes);
  for (const auto& [key, slice] : model.slices) {
    if (slice.ns != ns || slice.service != kOperatorService) continue;
    for (const model::SliceEndpoint& endpoint : slice.endpoints) {
      if (endpoint.addresses.empty() || endpoint.pod.empty()) continue;
      view.replicas.push_back(
          {endpoint.pod.substr(endpoint.pod.find('/') + 1), endpoint.addresses.front(), endpoint.ready});
    }
  }
  return view;
}

}  // namespace tulle::control::status
