#include "webhook/inject/inject.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "lib/json/lookup.h"
#include "webhook/inject/workload.h"

namespace tulle::webhook::inject {
namespace {

using Json = nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const Settings kSettings = {"tulle/sidecar:1", "tulle/init:1", "cluster.local",
                            "tulle-operator.tulle-system.svc:15010",
                            "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"};

// A pod as the API server sends it for a Deployment.
Json WebPod() {
  return Json::parse(R"({
    "apiVersion": "v1", "kind": "Pod",
    "metadata": {
      "generateName": "web-6d4b75cb6d-", "namespace": "shop",
      "labels": {"app": "web", "pod-template-hash": "6d4b75cb6d"},
      "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-6d4b75cb6d", "uid": "1",
                           "controller": true, "blockOwnerDeletion": true}]},
    "spec": {
      "serviceAccountName": "web",
      "containers": [{"name": "app", "image": "nginx", "ports": [{"name": "http", "containerPort": 8080}]}],
      "volumes": [{"name": "data", "emptyDir": {}}]}})");
}

Json Apply(const Json& pod, const Injected& injected) { return pod.patch(Json::parse(injected.patch)); }

Json InjectedPod(const Json& pod, const Settings& settings = kSettings) {
  const Outcome outcome = Inject(pod, "shop", settings);
  const auto* injected = std::get_if<Injected>(&outcome);
  if (injected == nullptr) {
    const auto* denied = std::get_if<Denied>(&outcome);
    ADD_FAILURE() << (denied != nullptr ? denied->reason : "left alone");
    return pod;
  }
  return Apply(pod, *injected);
}

std::string ReasonOf(const Json& pod, const std::string& namespace_name = "shop") {
  const Outcome outcome = Inject(pod, namespace_name, kSettings);
  if (const auto* denied = std::get_if<Denied>(&outcome)) return "denied: " + denied->reason;
  if (const auto* left_alone = std::get_if<LeftAlone>(&outcome)) return "left alone: " + left_alone->reason;
  return "injected";
}

std::string Environment(const Json& pod, const std::string& name) {
  for (const Json& variable : pod["spec"]["initContainers"][1]["env"]) {
    if (variable["name"] != name) continue;
    return variable.contains("value") ? variable["value"].get<std::string>()
                                      : variable["valueFrom"]["fieldRef"]["fieldPath"].get<std::string>();
  }
  return "absent";
}

Json Probes(const Json& pod) { return Json::parse(Environment(pod, "TULLE_PROBES")); }

TEST(Inject, PutsInitContainerAndNativeSidecarFirst) {
  Json pod = WebPod();
  pod["spec"]["initContainers"] =
      Json::parse(R"([{"name": "migrate"}, {"name": "logs", "restartPolicy": "Always"}])");
  const Json out = InjectedPod(pod);
  const Json& init = out["spec"]["initContainers"];
  ASSERT_EQ(init.size(), 4u);
  EXPECT_EQ(init[0]["name"], "tulle-init");
  EXPECT_EQ(init[1]["name"], "tulle-sidecar");
  EXPECT_EQ(init[1]["restartPolicy"],
            "Always");  // native: a Job's pod completes when its own containers have
  EXPECT_EQ(init[2]["name"], "migrate");
  EXPECT_EQ(init[3]["name"], "logs");
  EXPECT_EQ(out["metadata"]["labels"]["tulle.dev/injected"], "true");
  EXPECT_EQ(out["metadata"]["annotations"]["tulle.dev/workload"], "web");
}

TEST(Inject, PreservesEverythingElse) {
  const Json pod = WebPod();
  Json out = InjectedPod(pod);
  out["metadata"].erase("annotations");
  out["metadata"]["labels"].erase("tulle.dev/injected");
  out["spec"].erase("initContainers");
  for (int i = 0; i < 3; ++i) out["spec"]["volumes"].erase(0);
  EXPECT_EQ(out, pod);
}

TEST(Inject, TellsTheSidecarWhoItIs) {
  const Json out = InjectedPod(WebPod());
  EXPECT_EQ(Environment(out, "TULLE_POD_NAME"), "metadata.name");
  EXPECT_EQ(Environment(out, "TULLE_POD_NAMESPACE"), "metadata.namespace");
  EXPECT_EQ(Environment(out, "TULLE_POD_IP"), "status.podIP");
  EXPECT_EQ(Environment(out, "TULLE_NODE_NAME"), "spec.nodeName");
  EXPECT_EQ(Environment(out, "TULLE_SERVICE_ACCOUNT"), "spec.serviceAccountName");
  EXPECT_EQ(Environment(out, "TULLE_WORKLOAD"), "web");
  EXPECT_EQ(Environment(out, "TULLE_TRUST_DOMAIN"), "cluster.local");
  EXPECT_EQ(Environment(out, "TULLE_OPERATOR"), kSettings.operator_address);
  EXPECT_EQ(Environment(out, "TULLE_TRUST_BUNDLE"), kSettings.trust_bundle);
  EXPECT_EQ(Environment(out, "TULLE_TOKEN_FILE"), "/var/run/secrets/tulle/token");
  EXPECT_EQ(Environment(out, "TULLE_CONFIG_FILE"), "/etc/tulle/config/config.json");
  EXPECT_EQ(Environment(out, "TULLE_STATE_DIR"), "/var/run/tulle");
  EXPECT_EQ(Environment(out, "TULLE_PROBES"), "{}");
}

TEST(Inject, MountsConfigTokenAndState) {
  const Json out = InjectedPod(WebPod());
  const Json& volumes = out["spec"]["volumes"];
  ASSERT_EQ(volumes.size(), 4u);
  EXPECT_EQ(
      volumes[0],
      Json::parse(R"({"name":"tulle-config","configMap":{"name":"tulle-config-web","optional":true}})"));
  EXPECT_EQ(volumes[1]["projected"]["sources"][0]["serviceAccountToken"],
            Json::parse(R"({"audience":"tulle","expirationSeconds":3600,"path":"token"})"));
  EXPECT_EQ(volumes[2]["emptyDir"], Json::parse(R"({"medium":"Memory","sizeLimit":"16Mi"})"));
  std::string paths;
  for (const Json& mount : out["spec"]["initContainers"][1]["volumeMounts"]) {
    paths += mount["name"].get<std::string>() + "=" + mount["mountPath"].get<std::string>() + " ";
  }
  EXPECT_EQ(paths,
            "tulle-config=/etc/tulle/config tulle-token=/var/run/secrets/tulle tulle-state=/var/run/tulle ");
}

TEST(Inject, RightsAreAsSmallAsTheyCanBeWhateverThePodSays) {
  Json pod = WebPod();
  pod["spec"]["securityContext"] = Json::parse(
      R"({"runAsNonRoot": true, "runAsUser": 1000, "fsGroup": 2000, "seccompProfile": {"type": "Localhost", "localhostProfile": "x"}})");
  pod["spec"]["shareProcessNamespace"] = true;
  const Json out = InjectedPod(pod);
  const Json& init = out["spec"]["initContainers"][0]["securityContext"];
  EXPECT_EQ(init["runAsUser"], 0);
  EXPECT_EQ(init["runAsNonRoot"], false);
  EXPECT_EQ(init["capabilities"], Json::parse(R"({"drop":["ALL"],"add":["NET_ADMIN","NET_RAW"]})"));
  EXPECT_EQ(init["seccompProfile"]["type"], "RuntimeDefault");
  const Json& sidecar = out["spec"]["initContainers"][1]["securityContext"];
  EXPECT_EQ(sidecar["runAsUser"], 1337);
  EXPECT_EQ(sidecar["runAsNonRoot"], true);
  EXPECT_EQ(sidecar["readOnlyRootFilesystem"], true);
  EXPECT_EQ(sidecar["allowPrivilegeEscalation"], false);
  EXPECT_EQ(sidecar["capabilities"], Json::parse(R"({"drop":["ALL"]})"));
  EXPECT_EQ(out["spec"]["securityContext"], pod["spec"]["securityContext"]);
}

TEST(Inject, IsIdempotent) {
  const Json once = InjectedPod(WebPod());
  EXPECT_EQ(ReasonOf(once), "left alone: already injected");
}

TEST(Inject, TheMarkAloneDoesNotKeepTheSidecarOut) {
  Json pod = WebPod();
  pod["metadata"]["labels"]["tulle.dev/injected"] = "true";
  EXPECT_EQ(ReasonOf(pod), "injected");
}

TEST(Inject, LeavesAloneWhatIsNotItsToChange) {
  Json pod = WebPod();
  EXPECT_THAT(ReasonOf(pod, "tulle-system"), HasSubstr("left alone: namespace tulle-system"));
  EXPECT_THAT(ReasonOf(pod, "kube-system"), HasSubstr("left alone: "));
  pod["metadata"]["labels"]["tulle.dev/inject"] = "disabled";
  EXPECT_THAT(ReasonOf(pod), HasSubstr("left alone: label tulle.dev/inject is disabled"));
  pod = WebPod();
  pod["spec"]["hostNetwork"] = true;
  EXPECT_THAT(ReasonOf(pod), HasSubstr("left alone: hostNetwork"));
  pod = WebPod();
  pod["spec"]["os"]["name"] = "windows";
  EXPECT_THAT(ReasonOf(pod), HasSubstr("left alone: it runs on Windows"));
}

TEST(Inject, AMistypedLabelIsDenied) {
  Json pod = WebPod();
  pod["metadata"]["labels"]["tulle.dev/inject"] = "false";
  EXPECT_EQ(ReasonOf(pod), R"(denied: label tulle.dev/inject must be "enabled" or "disabled", got "false")");
}

TEST(Inject, ReservedNamesUidAndPortsAreDenied) {
  Json pod = WebPod();
  pod["spec"]["containers"].push_back({{"name", "tulle-sidecar"}});
  EXPECT_EQ(ReasonOf(pod), R"(denied: container "tulle-sidecar": the name is reserved for Tulle)");
  pod = WebPod();
  pod["spec"]["initContainers"] = Json::parse(R"([{"name": "tulle-init"}])");
  EXPECT_THAT(ReasonOf(pod), HasSubstr("denied: container \"tulle-init\""));
  pod = WebPod();
  pod["spec"]["volumes"].push_back({{"name", "tulle-state"}});
  EXPECT_EQ(ReasonOf(pod), R"(denied: volume "tulle-state": the name is reserved for Tulle)");

  pod = WebPod();
  pod["spec"]["containers"][0]["volumeMounts"] = {{{"name", "tulle-token"}, {"mountPath", "/stolen"}}};
  EXPECT_EQ(ReasonOf(pod), R"(denied: volume "tulle-token": the name is reserved for Tulle)");
  pod = WebPod();
  pod["spec"]["containers"][0]["securityContext"]["runAsUser"] = 1337;
  EXPECT_THAT(ReasonOf(pod),
              HasSubstr("denied: container \"app\": securityContext.runAsUser: 1337 is reserved"));
  pod = WebPod();
  pod["spec"]["securityContext"]["runAsUser"] = 1337;
  EXPECT_THAT(ReasonOf(pod), HasSubstr("denied: securityContext.runAsUser: 1337"));
  pod = WebPod();
  pod["spec"]["containers"][0]["ports"][0]["containerPort"] = 15006;
  EXPECT_EQ(ReasonOf(pod), "denied: container \"app\": port 15006 belongs to the sidecar");
}

TEST(Inject, ExclusionsReachTheInitContainer) {
  Json pod = WebPod();
  EXPECT_THAT(InjectedPod(pod)["spec"]["initContainers"][0]["args"].get<std::vector<std::string>>(),
              ElementsAre("--inbound-port", "15006", "--outbound-port", "15001", "--proxy-uid", "1337",
                          "--exclude-inbound-ports", "15020,15021"));
  pod["metadata"]["annotations"] = {{"tulle.dev/exclude-inbound-ports", "9100, 15020 ,9100"},
                                    {"tulle.dev/exclude-outbound-ports", "3306"},
                                    {"tulle.dev/exclude-outbound-cidrs", "10.0.0.0/8, fd00::/8"}};
  EXPECT_THAT(InjectedPod(pod)["spec"]["initContainers"][0]["args"].get<std::vector<std::string>>(),
              ElementsAre("--inbound-port", "15006", "--outbound-port", "15001", "--proxy-uid", "1337",
                          "--exclude-inbound-ports", "15020,15021,9100", "--exclude-outbound-ports", "3306",
                          "--exclude-outbound-cidrs", "10.0.0.0/8,fd00::/8"));
}

std::string ReasonWithAnnotation(const std::string& name, const std::string& value) {
  Json pod = WebPod();
  pod["metadata"]["annotations"][name] = value;
  return ReasonOf(pod);
}

TEST(Inject, MalformedExclusionsAreDeniedByName) {
  EXPECT_EQ(
      ReasonWithAnnotation("tulle.dev/exclude-inbound-ports", "80,http"),
      R"(denied: annotation tulle.dev/exclude-inbound-ports: "80,http": "http" is not a port (1 to 65535))");
  for (const char* value :
       {"0", "65536", "-1", "80,", ",80", "80,,81", "80 81", "1e3", "0x50", "99999999999999999999"}) {
    EXPECT_THAT(ReasonWithAnnotation("tulle.dev/exclude-outbound-ports", value),
                HasSubstr("denied: annotation tulle.dev/exclude-outbound-ports"))
        << value;
  }
  for (const char* value : {"10.0.0.1", "10.0.0.0/33", "10.0.0/8", "fd00::/129", "::/", "/8", "a/8",
                            "10.0.0.0/8;-j", "10.0.0.0/-1"}) {
    EXPECT_THAT(ReasonWithAnnotation("tulle.dev/exclude-outbound-cidrs", value), HasSubstr("is not a CIDR"))
        << value;
  }
  std::string many = "1";
  for (int i = 2; i < 100; ++i) many += "," + std::to_string(i);
  EXPECT_THAT(ReasonWithAnnotation("tulle.dev/exclude-inbound-ports", many),
              HasSubstr("more than 64 entries"));
  EXPECT_EQ(ReasonWithAnnotation("tulle.dev/exclude-inbound-ports", " "), "injected");
}

TEST(Inject, UnknownAnnotationsAreWarnedAbout) {
  Json pod = WebPod();
  pod["metadata"]["annotations"]["tulle.dev/exclude-inbound-port"] = "80";
  const Outcome outcome = Inject(pod, "shop", kSettings);
  EXPECT_THAT(std::get<Injected>(outcome).warnings, ElementsAre(HasSubstr("tulle.dev/exclude-inbound-port")));
}

TEST(InjectProbes, AreCarriedOutByTheSidecar) {
  Json pod = WebPod();
  Json& app = pod["spec"]["containers"][0];
  app["livenessProbe"] = Json::parse(R"({"httpGet": {"path": "/live", "port": "http", "scheme": "HTTPS",
      "httpHeaders": [{"name": "Host", "value": "web.example"}]}, "periodSeconds": 7, "timeoutSeconds": 3,
      "initialDelaySeconds": 4, "failureThreshold": 9, "terminationGracePeriodSeconds": 5})");
  app["readinessProbe"] = Json::parse(R"({"tcpSocket": {"port": 8080}})");
  app["startupProbe"] = Json::parse(R"({"grpc": {"port": 9090, "service": "ready"}, "timeoutSeconds": 2})");
  const Json out = InjectedPod(pod);
  const Json& rewritten = out["spec"]["containers"][0];
  EXPECT_EQ(rewritten["livenessProbe"],
            Json::parse(R"({"httpGet": {"path": "/probe/app/liveness", "port": 15021}, "periodSeconds": 7,
                "timeoutSeconds": 3, "initialDelaySeconds": 4, "failureThreshold": 9, "terminationGracePeriodSeconds": 5})"));
  EXPECT_EQ(rewritten["readinessProbe"],
            Json::parse(R"({"httpGet": {"path": "/probe/app/readiness", "port": 15021}})"));
  EXPECT_EQ(Probes(out), Json::parse(R"({
      "app/liveness": {"httpGet": {"path": "/live", "port": 8080, "scheme": "HTTPS",
                                   "httpHeaders": [{"name": "Host", "value": "web.example"}]}, "timeoutSeconds": 3},
      "app/readiness": {"tcpSocket": {"port": 8080}, "timeoutSeconds": 1},
      "app/startup": {"grpc": {"port": 9090, "service": "ready"}, "timeoutSeconds": 2}})"));
}

TEST(InjectProbes, ExecAndForeignHostsAreLeftAlone) {
  Json pod = WebPod();
  Json& app = pod["spec"]["containers"][0];
  app["livenessProbe"] = Json::parse(R"({"exec": {"command": ["true"]}})");
  app["readinessProbe"] = Json::parse(R"({"httpGet": {"host": "10.1.2.3", "port": 80}})");
  const Json out = InjectedPod(pod);
  EXPECT_EQ(out["spec"]["containers"], pod["spec"]["containers"]);
  EXPECT_EQ(Environment(out, "TULLE_PROBES"), "{}");
}

TEST(InjectProbes, OfNativeSidecarsToo) {
  Json pod = WebPod();
  pod["spec"]["initContainers"] = Json::parse(R"([
      {"name": "plain", "startupProbe": {"tcpSocket": {"port": 1}}},
      {"name": "logs", "restartPolicy": "Always", "startupProbe": {"tcpSocket": {"port": 24224}}}])");
  const Json out = InjectedPod(pod);
  EXPECT_EQ(out["spec"]["initContainers"][2], pod["spec"]["initContainers"][0]);
  EXPECT_EQ(out["spec"]["initContainers"][3]["startupProbe"]["httpGet"]["path"], "/probe/logs/startup");
  EXPECT_EQ(Probes(out),
            Json::parse(R"({"logs/startup": {"tcpSocket": {"port": 24224}, "timeoutSeconds": 1}})"));
}

TEST(InjectProbes, PortsThatCannotBeResolvedAreDenied) {
  Json pod = WebPod();
  pod["spec"]["containers"][0]["livenessProbe"] = Json::parse(R"({"httpGet": {"port": "htpp"}})");
  EXPECT_EQ(ReasonOf(pod),
            "denied: container \"app\": livenessProbe.httpGet.port: \"htpp\" is neither a port number nor "
            "the name of a port of the container");
  pod["spec"]["containers"][0]["livenessProbe"]["httpGet"]["port"] = "8081";
  EXPECT_EQ(Probes(InjectedPod(pod))["app/liveness"]["httpGet"]["port"], 8081);
  pod["spec"]["containers"][0]["livenessProbe"]["httpGet"]["port"] = 0;
  EXPECT_THAT(ReasonOf(pod), HasSubstr("denied: "));
}

TEST(InjectProbes, DollarsSurviveTheExpansionOfVariables) {
  Json pod = WebPod();
  pod["spec"]["containers"][0]["livenessProbe"] = {{"httpGet", {{"path", "/$(TULLE_POD_IP)"}, {"port", 1}}}};
  EXPECT_THAT(Environment(InjectedPod(pod), "TULLE_PROBES"), HasSubstr("/$$(TULLE_POD_IP)"));
}

TEST(InjectProbes, HundredContainers) {
  Json pod = WebPod();
  pod["spec"]["containers"] = Json::array();
  for (int i = 0; i < 100; ++i) {
    pod["spec"]["containers"].push_back(
        {{"name", "c" + std::to_string(i)}, {"readinessProbe", {{"tcpSocket", {{"port", 1000 + i}}}}}});
  }
  const Json out = InjectedPod(pod);
  EXPECT_EQ(Probes(out).size(), 100u);
  EXPECT_EQ(out["spec"]["containers"][99]["readinessProbe"]["httpGet"]["path"], "/probe/c99/readiness");
}

Json Owned(const char* kind, const char* name) {
  Json pod = WebPod();
  pod["metadata"]["ownerReferences"][0]["kind"] = kind;
  pod["metadata"]["ownerReferences"][0]["name"] = name;
  return pod;
}

TEST(Workload, IsNamedAfterWhatOwnsThePod) {
  EXPECT_EQ(WorkloadOf(WebPod()), "web");
  EXPECT_EQ(WorkloadOf(Owned("ReplicaSet", "bare")), "bare");
  EXPECT_EQ(WorkloadOf(Owned("StatefulSet", "db")), "db");
  EXPECT_EQ(WorkloadOf(Owned("DaemonSet", "agent")), "agent");
  EXPECT_EQ(WorkloadOf(Owned("Job", "load-6d4b75cb6d")), "load-6d4b75cb6d");
}

TEST(Workload, OfAPodWithoutOwnerIsThePod) {
  Json pod = WebPod();
  pod["metadata"].erase("ownerReferences");
  EXPECT_EQ(WorkloadOf(pod), "web-6d4b75cb6d");
  pod["metadata"]["name"] = "single";
  EXPECT_EQ(WorkloadOf(pod), "single");
  pod["metadata"]["ownerReferences"] = Json::parse(R"([{"kind": "Node", "name": "n", "controller": false}])");
  EXPECT_EQ(WorkloadOf(pod), "single");
}

TEST(Inject, PodsWithHardlyAnything) {
  const Json bare = Json::parse(R"({"metadata": {"generateName": "x-"}, "spec": {"containers": []}})");
  const Json out = InjectedPod(bare);
  EXPECT_EQ(out["metadata"]["labels"]["tulle.dev/injected"], "true");
  EXPECT_EQ(out["spec"]["volumes"].size(), 3u);
  Json nameless = bare;
  nameless["metadata"] = Json::object();
  EXPECT_EQ(ReasonOf(nameless), "denied: it has neither name nor generateName");
}

TEST(Inject, OddShapesDoNotCrash) {
  for (const char* text :
       {"null", "[]", "7", "{}", R"({"metadata": 1, "spec": 2})",
        R"({"metadata": {"name": 5, "labels": [], "annotations": 1, "ownerReferences": {}}, "spec": {}})",
        R"({"metadata": {"name": "a"}, "spec": {"containers": [1, null, {"livenessProbe": [], "ports": 3},
                               {"livenessProbe": {"httpGet": {}}}], "initContainers": "x", "volumes": {}}})"}) {
    ReasonOf(Json::parse(text));
  }
}

}  // namespace
}  // namespace tulle::webhook::inject
