#include "webhook/inject/containers.h"

#include <nlohmann/json.hpp>
#include <string_view>

#include "webhook/inject/names.h"

namespace tulle::webhook::inject {
namespace {

using Json = nlohmann::ordered_json;

std::string Join(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items) text += (text.empty() ? "" : ",") + item;
  return text;
}

Json FromPod(const char* name, const char* field) {
  return {{"name", name}, {"valueFrom", {{"fieldRef", {{"apiVersion", "v1"}, {"fieldPath", field}}}}}};
}

// Kubernetes expands $(NAME) in values of environment variables; "$$" is how a dollar is written.
Json Literal(const char* name, std::string_view value) {
  std::string escaped;
  for (const char c : value) escaped += c == '$' ? "$$" : std::string(1, c);
  return {{"name", name}, {"value", escaped}};
}

Json Environment(const Settings& settings, const std::string& workload, const Json& probes) {
  return Json::array(
      {FromPod("TULLE_POD_NAME", "metadata.name"), FromPod("TULLE_POD_NAMESPACE", "metadata.namespace"),
       FromPod("TULLE_POD_IP", "status.podIP"), FromPod("TULLE_NODE_NAME", "spec.nodeName"),
       FromPod("TULLE_SERVICE_ACCOUNT", "spec.serviceAccountName"), Literal("TULLE_WORKLOAD", workload),
       Literal("TULLE_TRUST_DOMAIN", settings.trust_domain),
       Literal("TULLE_OPERATOR", settings.operator_address),
       Literal("TULLE_TRUST_BUNDLE", settings.trust_bundle),
       Literal("TULLE_TOKEN_FILE", "/var/run/secrets/tulle/token"),
       Literal("TULLE_CONFIG_FILE", "/etc/tulle/config/config.json"),
       Literal("TULLE_STATE_DIR", "/var/run/tulle"), Literal("TULLE_PROBES", probes.dump())});
}

Json ReadyProbe(int64_t failure_threshold) {
  return {{"httpGet", {{"path", "/ready"}, {"port", kProbePort}}},
          {"periodSeconds", 1},
          {"failureThreshold", failure_threshold}};
}

}  // namespace

// It runs as root even where the pod says runAsNonRoot, because rules for the whole pod can be written by
// nobody else; of root's rights it keeps two.
Json InitContainer(const Settings& settings, const Exclusions& exclusions) {
  std::vector<std::string> inbound = {std::to_string(kMetricsPort), std::to_string(kProbePort)};
  for (const std::string& port : exclusions.inbound_ports) {
    if (port != inbound[0] && port != inbound[1]) inbound.push_back(port);
  }
  Json args = {"--inbound-port",
               std::to_string(kInboundPort),
               "--outbound-port",
               std::to_string(kOutboundPort),
               "--proxy-uid",
               std::to_string(kProxyUid),
               "--exclude-inbound-ports",
               Join(inbound)};
  const auto add_list = [&args](const char* flag, const std::vector<std::string>& items) {
    if (items.empty()) return;
    args.push_back(flag);
    args.push_back(Join(items));
  };
  add_list("--exclude-outbound-ports", exclusions.outbound_ports);
  add_list("--exclude-outbound-cidrs", exclusions.outbound_cidrs);
  return {
      {"name", kInitContainer},
      {"image", settings.init_image},
      {"imagePullPolicy", "IfNotPresent"},
      {"args", std::move(args)},
      {"resources", {{"requests", {{"cpu", "10m"}, {"memory", "16Mi"}}}, {"limits", {{"memory", "64Mi"}}}}},
      {"securityContext",
       {{"runAsUser", 0},
        {"runAsGroup", 0},
        {"runAsNonRoot", false},
        {"privileged", false},
        {"allowPrivilegeEscalation", false},
        {"readOnlyRootFilesystem", true},
        {"capabilities", {{"drop", {"ALL"}}, {"add", {"NET_ADMIN", "NET_RAW"}}}},
        {"seccompProfile", {{"type", "RuntimeDefault"}}}}}};
}

Json SidecarContainer(const Settings& settings, const std::string& workload, const Json& probes) {
  constexpr int64_t kStartFailures = 86400;  // a day of operator outage must not restart the sidecar
  constexpr int64_t kReadyFailures = 3;
  const auto mount = [](std::string_view volume, const char* path, bool read_only) {
    Json out = {{"name", volume}, {"mountPath", path}};
    if (read_only) out["readOnly"] = true;
    return out;
  };
  return {
      {"name", kSidecarContainer},
      {"image", settings.sidecar_image},
      {"imagePullPolicy", "IfNotPresent"},
      {"restartPolicy", "Always"},
      {"env", Environment(settings, workload, probes)},
      {"ports",
       Json::array({{{"name", "tulle-metrics"}, {"containerPort", kMetricsPort}, {"protocol", "TCP"}}})},
      {"startupProbe", ReadyProbe(kStartFailures)},
      {"readinessProbe", ReadyProbe(kReadyFailures)},
      {"resources", {{"requests", {{"cpu", "10m"}, {"memory", "16Mi"}}}, {"limits", {{"memory", "256Mi"}}}}},
      {"securityContext",
       {{"runAsUser", kProxyUid},
        {"runAsGroup", kProxyUid},
        {"runAsNonRoot", true},
        {"privileged", false},
        {"allowPrivilegeEscalation", false},
        {"readOnlyRootFilesystem", true},
        {"capabilities", {{"drop", {"ALL"}}}},
        {"seccompProfile", {{"type", "RuntimeDefault"}}}}},
      {"volumeMounts", Json::array({mount(kConfigVolume, "/etc/tulle/config", true),
                                    mount(kTokenVolume, "/var/run/secrets/tulle", true),
                                    mount(kStateVolume, "/var/run/tulle", false)})}};
}

Json Volumes(const std::string& workload) {
  const Json token = {{"audience", "tulle"}, {"expirationSeconds", 3600}, {"path", "token"}};
  return Json::array(
      {{{"name", kConfigVolume},
        {"configMap", {{"name", std::string(kConfigMapPrefix) + workload}, {"optional", true}}}},
       {{"name", kTokenVolume},
        {"projected", {{"sources", Json::array({{{"serviceAccountToken", token}}})}}}},
       {{"name", kStateVolume}, {"emptyDir", {{"medium", "Memory"}, {"sizeLimit", "16Mi"}}}}});
}

}  // namespace tulle::webhook::inject
