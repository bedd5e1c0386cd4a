#include "operator/watch/read.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace tulle::control::watch {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

template <class T>
T Read(const std::string& text) {
  const json object = json::parse(text);
  auto read = ReadObject(*KindOf(object), object);
  if (!read.ok()) ADD_FAILURE() << tulle::json::JoinProblems(read.failure());
  return std::get<T>(std::move(*read));
}

std::string ProblemsOf(const std::string& text) {
  const json object = json::parse(text);
  auto read = ReadObject(*KindOf(object), object);
  return read.ok() ? "" : tulle::json::JoinProblems(read.failure());
}

TEST(Read, AHeadlessServiceHasNoAddress) {
  const auto service = Read<model::Service>(R"({"apiVersion": "v1", "kind": "Service",
    "metadata": {"name": "db", "namespace": "shop"},
    "spec": {"clusterIP": "None", "clusterIPs": ["None"],
             "ports": [{"port": 53, "protocol": "UDP"}, {"port": 5432, "name": "tcp"}]}})");
  EXPECT_TRUE(service.cluster_ips.empty());
  ASSERT_EQ(service.ports.size(), 1u);
  EXPECT_EQ(service.ports[0].port, 5432);
}

TEST(Read, AddressesAreNormal) {
  const auto service = Read<model::Service>(R"({"apiVersion": "v1", "kind": "Service",
    "metadata": {"name": "db", "namespace": "shop"},
    "spec": {"clusterIPs": ["10.0.0.1", "FD00:0:0::1"]}})");
  EXPECT_THAT(service.cluster_ips, ElementsAre("10.0.0.1", "fd00::1"));
}

TEST(Read, ASlicesConditionsDefaultToReady) {
  const auto slice =
      Read<model::EndpointSlice>(R"({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
    "metadata": {"name": "web-x", "namespace": "shop", "labels": {"kubernetes.io/service-name": "web"}},
    "addressType": "IPv4", "ports": [{"name": "http", "port": 8080}],
    "endpoints": [{"addresses": ["10.1.0.1"], "conditions": {},
                   "targetRef": {"kind": "Pod", "name": "web-1"}},
                  {"addresses": ["10.1.0.2"],
                   "conditions": {"ready": false, "serving": true, "terminating": true}}]})");
  EXPECT_EQ(slice.service, "web");
  EXPECT_TRUE(slice.endpoints[0].ready);
  EXPECT_EQ(slice.endpoints[0].pod, "shop/web-1");
  EXPECT_FALSE(slice.endpoints[1].ready);
  EXPECT_TRUE(slice.endpoints[1].serving);
  EXPECT_TRUE(slice.endpoints[1].terminating);
}

TEST(Read, APodIsMeshedWhenItsSidecarIsThere) {
  const std::string pod = R"({"apiVersion": "v1", "kind": "Pod",
    "metadata": {"name": "web-1", "namespace": "shop", "labels": {"tulle.dev/injected": "true"},
                 "annotations": {"tulle.dev/workload": "web"}},
    "spec": {"serviceAccountName": "sa", "initContainers": [{"name": "NAME"}], "containers": []},
    "status": {"phase": "Running", "podIPs": [{"ip": "10.1.0.1"}],
               "initContainerStatuses": [{"name": "NAME", "started": true}]}})";
  const auto with = [&](const std::string& name) {
    std::string text = pod;
    for (size_t at = 0; (at = text.find("NAME", at)) != std::string::npos;) text.replace(at, 4, name);
    return Read<model::Pod>(text);
  };
  EXPECT_TRUE(with("tulle-sidecar").meshed);
  EXPECT_TRUE(with("tulle-sidecar").sidecar_started);
  EXPECT_EQ(with("tulle-sidecar").workload, "web");
  EXPECT_FALSE(with("other").meshed);
}

TEST(Read, ProblemsNameTheField) {
  EXPECT_THAT(
      ProblemsOf(R"({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "namespace": "b"},
                             "spec": {"ports": [{"port": "80"}]}})"),
      HasSubstr("spec.ports[0].port"));
  EXPECT_THAT(
      ProblemsOf(R"({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a/b", "namespace": "c"}})"),
      HasSubstr("metadata.name"));
  EXPECT_THAT(ProblemsOf(R"({"apiVersion": "v1", "kind": "Pod", "metadata": 7})"), HasSubstr("metadata"));
  EXPECT_THAT(
      ProblemsOf(R"({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a", "labels": []}})"),
      HasSubstr("metadata.labels"));
}

TEST(Read, ACustomResourceWithProblemsIsStillAnObject) {
  const auto split = Read<model::Split>(R"({"apiVersion": "tulle.dev/v1alpha1", "kind": "Split",
    "metadata": {"name": "web", "namespace": "shop", "uid": "u", "generation": 3,
                 "creationTimestamp": "2026-01-01T00:00:00Z"},
    "spec": {"service": "web", "colour": "red", "backends": []},
    "status": {"conditions": [{"type": "Live", "status": "True", "reason": "r", "message": "m",
                               "observedGeneration": 2, "lastTransitionTime": "t"}]}})");
  EXPECT_FALSE(split.spec.has_value());
  EXPECT_FALSE(split.meta.problems.empty());
  EXPECT_EQ(split.meta.generation, 3);
  ASSERT_EQ(split.meta.conditions.size(), 1u);
  EXPECT_EQ(split.meta.conditions[0].observed_generation, 2);
}

TEST(Read, OtherKindsAreNotForUs) {
  EXPECT_FALSE(KindOf(json::parse(R"({"apiVersion": "apps/v1", "kind": "Deployment"})")).has_value());
  EXPECT_FALSE(KindOf(json::parse("[1]")).has_value());
  EXPECT_FALSE(KindOf(json::parse(R"({"apiVersion": 1, "kind": {}})")).has_value());
}

}  // namespace
}  // namespace tulle::control::watch
