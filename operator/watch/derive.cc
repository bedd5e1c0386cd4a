#include "operator/watch/derive.h"

namespace tulle::control::watch {
namespace {

int64_t PodPort(const Selection::Target& target, const model::Pod& pod) {
  if (target.name.empty()) return target.port;
  for (const model::ContainerPort& port : pod.ports) {
    if (port.name == target.name) return port.port;
  }
  return 0;
}

}  // namespace

Selection ReadSelection(const model::Service& service, const nlohmann::json& object) {
  json::Problems ignored;  // ReadObject has reported what it needs; a wrong selector selects nothing
  const Field spec = Field(object, ignored)["spec"];
  Selection selection{service, spec["selector"].Map(), {}};
  for (const Field& port : spec["ports"].Items()) {
    Selection::Target target{port["name"].Text(), port["port"].Number(), ""};
    const Field wanted = port["targetPort"];
    if (wanted.present() && wanted.raw().is_string()) {
      target.name = wanted.Text();
    } else if (wanted.present()) {
      target.port = wanted.Number();
    }
    selection.targets.push_back(std::move(target));
  }
  return selection;
}

std::vector<model::EndpointSlice> DeriveSlices(const Selection& selection,
                                               const std::map<std::string, model::Pod>& pods,
                                               const std::map<std::string, bool>& ready) {
  std::vector<model::EndpointSlice> slices;
  if (selection.selector.empty()) return slices;
  for (const auto& [key, pod] : pods) {
    const bool selected = pod.ns == selection.service.ns && model::Matches(selection.selector, pod.labels);
    if (!selected || pod.finished || pod.ips.empty()) continue;
    model::EndpointSlice slice;
    slice.ns = pod.ns;
    slice.name = selection.service.name + "-" + pod.name;
    slice.service = selection.service.name;
    const auto is_ready = ready.find(key);
    const bool serving = is_ready == ready.end() || is_ready->second;
    slice.endpoints.push_back({pod.ips, key, serving && !pod.terminating, serving, pod.terminating});
    for (const Selection::Target& target : selection.targets) {
      const int64_t port = PodPort(target, pod);
      if (port > 0 && port < 65536) slice.ports.push_back({target.service_port_name, port});
    }
    slices.push_back(std::move(slice));
  }
  return slices;
}

bool ReadReady(const nlohmann::json& pod) {
  json::Problems ignored;
  for (const Field& condition : Field(pod, ignored)["status"]["conditions"].Items()) {
    if (condition["type"].Text() == "Ready") return condition["status"].Text() == "True";
  }
  return true;
}

}  // namespace tulle::control::watch
