#include "webhook/inject/inject.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "lib/json/lookup.h"
#include "lib/json/path.h"
#include "webhook/inject/containers.h"
#include "webhook/inject/exclusions.h"
#include "webhook/inject/names.h"
#include "webhook/inject/patch.h"
#include "webhook/inject/probes.h"
#include "webhook/inject/workload.h"

namespace tulle::webhook::inject {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxObjectName = 253;

bool HasNamed(const Json& spec, const char* list, std::string_view name) {
  for (const Json& item : json::ItemsAt(spec, list)) {
    if (json::TextAt(item, "name") == name) return true;
  }
  return false;
}

bool IsInjected(const Json& pod) {
  return json::TextAt(json::At(json::At(pod, "metadata"), "labels"), kInjectedLabel) == "true" &&
         HasNamed(json::At(pod, "spec"), "initContainers", kSidecarContainer);
}

std::optional<LeftAlone> WhyLeftAlone(const Json& pod, const std::string& namespace_name) {
  const Json& spec = json::At(pod, "spec");
  if (namespace_name == "tulle-system" || namespace_name == "kube-system") {
    return LeftAlone{"namespace " + namespace_name + " is never injected"};
  }
  if (json::TextAt(json::At(json::At(pod, "metadata"), "labels"), kInjectLabel) == "disabled") {
    return LeftAlone{"label " + std::string(kInjectLabel) + " is disabled"};
  }
  if (json::TrueAt(spec, "hostNetwork"))
    return LeftAlone{"hostNetwork: its traffic is not its own to redirect"};
  if (json::TextAt(json::At(spec, "os"), "name") == "windows") return LeftAlone{"it runs on Windows"};
  if (IsInjected(pod)) return LeftAlone{"already injected"};
  return std::nullopt;
}

std::string TakenName(const Json& spec) {
  const auto taken = [](const char* what, std::string_view name) {
    return std::string(what) + " \"" + std::string(name) + "\": the name is reserved for Tulle";
  };
  for (const char* list : {"containers", "initContainers"}) {
    for (const std::string_view name : {kInitContainer, kSidecarContainer}) {
      if (HasNamed(spec, list, name)) return taken("container", name);
    }
  }
  for (const std::string_view name : {kConfigVolume, kTokenVolume, kStateVolume}) {
    if (HasNamed(spec, "volumes", name)) return taken("volume", name);
    // They exist once we are done: an app that mounts them would hold the pod's key.
    for (const char* list : {"containers", "initContainers"}) {
      for (const Json& container : json::ItemsAt(spec, list)) {
        if (HasNamed(container, "volumeMounts", name)) return taken("volume", name);
      }
    }
  }
  return {};
}

// The rules let the sidecar's uid through, and its ports are its own: an app that shares either would bypass
// the mesh or keep the sidecar from starting.
std::string SharesWithSidecar(const Json& spec) {
  const auto is = [](const Json& value, int64_t number) {
    return value.is_number_integer() && value.get<int64_t>() == number;
  };
  if (is(json::At(json::At(spec, "securityContext"), "runAsUser"), kProxyUid)) {
    return "securityContext.runAsUser: 1337 is reserved for the sidecar";
  }
  for (const char* list : {"containers", "initContainers"}) {
    for (const Json& container : json::ItemsAt(spec, list)) {
      const std::string name = "container " + json::Quote(json::TextAt(container, "name"));
      if (is(json::At(json::At(container, "securityContext"), "runAsUser"), kProxyUid)) {
        return name + ": securityContext.runAsUser: 1337 is reserved for the sidecar";
      }
      for (const Json& port : json::ItemsAt(container, "ports")) {
        for (const int64_t own : {kAdminPort, kOutboundPort, kInboundPort, kMetricsPort, kProbePort}) {
          if (is(json::At(port, "containerPort"), own)) {
            return name + ": port " + std::to_string(own) + " belongs to the sidecar";
          }
        }
      }
    }
  }
  return {};
}

std::string WhyDenied(const Json& pod, const std::string& workload) {
  const Json& spec = json::At(pod, "spec");
  if (!spec.is_object() || !json::At(pod, "metadata").is_object())
    return "not a pod: it has no metadata or no spec";
  const std::string label = json::TextAt(json::At(json::At(pod, "metadata"), "labels"), kInjectLabel);
  if (!label.empty() && label != "enabled") {
    return "label " + std::string(kInjectLabel) + " must be \"enabled\" or \"disabled\", got " +
           json::Quote(label);
  }
  if (workload.empty()) return "it has neither name nor generateName";
  if (workload.size() > kMaxObjectName - kConfigMapPrefix.size()) {
    return "the name of its workload is longer than " +
           std::to_string(kMaxObjectName - kConfigMapPrefix.size()) + " characters";
  }
  if (std::string taken = TakenName(spec); !taken.empty()) return taken;
  return SharesWithSidecar(spec);
}

// A mistyped annotation would otherwise be a silent one.
std::vector<std::string> UnknownAnnotations(const Json& annotations) {
  std::vector<std::string> warnings;
  if (!annotations.is_object()) return warnings;
  for (const auto& [name, unused] : annotations.items()) {
    const bool known = name == kExcludeInboundPorts || name == kExcludeOutboundPorts ||
                       name == kExcludeOutboundCidrs || name == kWorkloadAnnotation;
    if (name.starts_with("tulle.dev/") && !known) {
      warnings.push_back("annotation " + json::Quote(name) + " is not one that Tulle knows");
    }
  }
  return warnings;
}

void SetEntry(Patch& patch, const Json& metadata, const char* map, std::string_view key,
              const std::string& value) {
  const std::string path = "/metadata" + Patch::Pointer(map);
  if (json::At(metadata, map).is_object()) {
    patch.Add(path + Patch::Pointer(key), value);
  } else {
    patch.Add(path, {{std::string(key), value}});
  }
}

void InsertFirst(Patch& patch, const Json& spec, const char* list, const nlohmann::ordered_json& items) {
  const std::string path = "/spec" + Patch::Pointer(list);
  if (!json::At(spec, list).is_array()) {
    patch.Add(path, items);
    return;
  }
  for (size_t i = 0; i < items.size(); ++i) patch.Add(path + "/" + std::to_string(i), items[i]);
}

}  // namespace

Outcome Inject(const Json& pod, const std::string& namespace_name, const Settings& settings) {
  if (std::optional<LeftAlone> left_alone = WhyLeftAlone(pod, namespace_name)) return *left_alone;
  const std::string workload = WorkloadOf(pod);
  if (std::string denied = WhyDenied(pod, workload); !denied.empty()) return Denied{denied};

  const Json& metadata = json::At(pod, "metadata");
  const Json& spec = json::At(pod, "spec");
  const Json& annotations = json::At(metadata, "annotations");
  base::Result<Exclusions> exclusions = ReadExclusions(annotations);
  if (!exclusions) return Denied{exclusions.failure().what};

  Patch patch;  // probes first: their paths count the containers that are there now
  base::Result<nlohmann::ordered_json> probes = RewriteProbes(pod, patch);
  if (!probes) return Denied{probes.failure().what};
  const auto containers = nlohmann::ordered_json::array(
      {InitContainer(settings, *exclusions), SidecarContainer(settings, workload, *probes)});
  InsertFirst(patch, spec, "initContainers", containers);
  InsertFirst(patch, spec, "volumes", Volumes(workload));
  SetEntry(patch, metadata, "labels", kInjectedLabel, "true");
  SetEntry(patch, metadata, "annotations", kWorkloadAnnotation, workload);
  return Injected{patch.operations().dump(-1, ' ', false, Json::error_handler_t::replace),
                  UnknownAnnotations(annotations)};
}

}  // namespace tulle::webhook::inject
