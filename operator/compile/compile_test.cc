#include "operator/compile/compile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/compile/cluster_fixture.h"

namespace tulle::control::compile {
namespace {

using meshconfig::Protocol;
using testing::ElementsAre;

const model::ServicePort kHttp{"http", 80, ""};

Cluster Shop() {
  Cluster cluster;
  cluster.Service("shop/web", "10.0.0.1", {kHttp})
      .Service("shop/web-v1", "10.0.0.2", {kHttp})
      .Service("shop/web-v2", "10.0.0.3", {kHttp})
      .Pod("shop/a", "10.1.0.1", "shop/web", {{"version", "v1"}})
      .Pod("shop/b", "10.1.0.2", "shop/web", {{"version", "v2"}});
  return cluster;
}

resources::Backend To(const std::string& service, int64_t weight) {
  return {.service = service, .port = {}, .labels = {}, .weight = weight};
}
resources::Backend Version(const std::string& version, int64_t weight) {
  return {.service = {}, .port = {}, .labels = {{"version", version}}, .weight = weight};
}

TEST(Compile, AServiceWithoutResourcesOfOursGoesToItself) {
  const Compiled compiled = Shop().Compile();
  const meshconfig::Service web = Cluster::ServiceIn(compiled, "shop/web");
  ASSERT_EQ(web.ports.size(), 1u);
  EXPECT_EQ(web.ports[0].protocol, Protocol::kHttp);
  ASSERT_EQ(web.ports[0].rules.size(), 1u);
  EXPECT_EQ(web.ports[0].rules[0].name, "service/shop/web");
  EXPECT_EQ(web.ports[0].rules[0].backends[0].endpoints, "endpoints/shop/web");
  EXPECT_EQ(Cluster::AddressIn(compiled, "10.0.0.1").service, "shop/web");
  EXPECT_THAT(compiled.entries.at("address/10.0.0.1").refers_to, ElementsAre("service/shop/web"));
  EXPECT_THAT(compiled.entries.at("service/shop/web").refers_to, ElementsAre("endpoints/shop/web"));
}

TEST(Compile, EndpointsCarryTheIdentityOfMeshedPodsOnly) {
  const Compiled compiled = Shop().Injected("shop/a", "web").Compile();
  const auto endpoints = Cluster::EndpointsIn(compiled, "shop/web").endpoints;
  ASSERT_EQ(endpoints.size(), 2u);
  EXPECT_EQ(endpoints[0].identity, "spiffe://cluster.local/ns/shop/sa/default");
  EXPECT_EQ(endpoints[0].pod, "shop/a");
  EXPECT_THAT(endpoints[0].ports, ElementsAre(meshconfig::TargetPort{80, 8080}));
  EXPECT_EQ(endpoints[1].identity, "");
  EXPECT_EQ(Cluster::AddressIn(compiled, "10.1.0.1").endpoint->identity,
            "spiffe://cluster.local/ns/shop/sa/default");
}

TEST(Compile, ASplitBetweenServices) {
  const Compiled compiled =
      Shop().Split("shop/s", {"web", {}, {To("web-v1", 90), To("web-v2", 10)}}).Compile();
  const auto rule = Cluster::ServiceIn(compiled, "shop/web").ports[0].rules.back();
  EXPECT_EQ(rule.name, "split/shop/s");
  ASSERT_EQ(rule.backends.size(), 2u);
  EXPECT_EQ(rule.backends[0].source, "split/shop/s#0");
  EXPECT_EQ(rule.backends[0].endpoints, "endpoints/shop/web-v1");
  EXPECT_EQ(rule.backends[0].weight, 90);
  EXPECT_THAT(compiled.entries.at("service/shop/web").refers_to,
              ElementsAre("endpoints/shop/web-v1", "endpoints/shop/web-v2"));
  const Verdict verdict = Cluster::VerdictIn(compiled, "Split shop/s");
  EXPECT_TRUE(verdict.accepted);
  EXPECT_TRUE(verdict.resolved);
  EXPECT_THAT(verdict.shaped, ElementsAre("service/shop/web"));
}

TEST(Compile, ASplitBetweenVersionsByLabels) {
  const Compiled compiled =
      Shop().Split("shop/s", {"web", {}, {Version("v1", 1), Version("v2", 1)}}).Compile();
  const auto rule = Cluster::ServiceIn(compiled, "shop/web").ports[0].rules.back();
  EXPECT_EQ(rule.backends[1].endpoints, "endpoints/shop/web?version=v2");
  const auto endpoints = Cluster::EndpointsIn(compiled, "shop/web?version=v2").endpoints;
  ASSERT_EQ(endpoints.size(), 1u);
  EXPECT_EQ(endpoints[0].pod, "shop/b");
}

TEST(Compile, AMissingBackendIsNamedInBackendAndCondition) {
  const Compiled compiled = Shop().Split("shop/s", {"web", {}, {To("web-v1", 1), To("v3", 1)}}).Compile();
  const auto rule = Cluster::ServiceIn(compiled, "shop/web").ports[0].rules.back();
  EXPECT_EQ(rule.backends[0].error, std::nullopt);
  EXPECT_EQ(rule.backends[1].error, "Service shop/v3 does not exist");
  const Verdict verdict = Cluster::VerdictIn(compiled, "Split shop/s");
  EXPECT_FALSE(verdict.resolved);
  EXPECT_EQ(verdict.resolved_message, "spec.backends[1].service: Service shop/v3 does not exist");
  EXPECT_TRUE(verdict.in_force);
}

TEST(Compile, AMissingPortOrParentIsNamed) {
  Cluster cluster = Shop();
  cluster.Split("shop/s", {"web", {}, {{"web-v1", 81, {}, 1}}});
  cluster.Split("shop/t", {"nothing", {}, {To("web-v1", 1)}});
  const Compiled compiled = cluster.Compile();
  EXPECT_EQ(Cluster::VerdictIn(compiled, "Split shop/s").resolved_message,
            "spec.backends[0].port: Service shop/web-v1 has no port 81");
  const Verdict orphan = Cluster::VerdictIn(compiled, "Split shop/t");
  EXPECT_EQ(orphan.resolved_message, "spec.service: Service shop/nothing does not exist");
  EXPECT_FALSE(orphan.in_force);
}

TEST(Compile, TheOldestSplitWinsAndTheOtherIsToldSo) {
  const Compiled compiled = Shop()
                                .Split("shop/a-young", {"web", {}, {To("web-v1", 1)}}, "2026-02")
                                .Split("shop/z-old", {"web", {}, {To("web-v2", 1)}}, "2026-01")
                                .Compile();
  EXPECT_EQ(Cluster::ServiceIn(compiled, "shop/web").ports[0].rules.back().name, "split/shop/z-old");
  const Verdict loser = Cluster::VerdictIn(compiled, "Split shop/a-young");
  EXPECT_FALSE(loser.accepted);
  EXPECT_EQ(loser.accepted_reason, "Conflicted");
  EXPECT_NE(loser.accepted_message.find("Split shop/z-old"), std::string::npos);
  EXPECT_TRUE(Cluster::VerdictIn(compiled, "Split shop/z-old").accepted);
}

TEST(Compile, RoutesStandInOrderOfAgeBeforeTheSplitWhoseBackendsTheyInherit) {
  resources::RouteRule own, inherited;
  own.backends = {To("web-v2", 1)};
  own.matches.push_back({{{.exact = "/x", .prefix = {}, .regex = {}}}, {}, {}});
  const Compiled compiled = Shop()
                                .Route("shop/young", {"web", {}, {inherited}}, "2026-02")
                                .Route("shop/old", {"web", {}, {own}}, "2026-01")
                                .Split("shop/s", {"web", {}, {To("web-v1", 1)}})
                                .Compile();
  const auto rules = Cluster::ServiceIn(compiled, "shop/web").ports[0].rules;
  ASSERT_EQ(rules.size(), 3u);
  EXPECT_EQ(rules[0].name, "route/shop/old#0");
  EXPECT_EQ(rules[0].backends[0].endpoints, "endpoints/shop/web-v2");
  EXPECT_EQ(rules[0].matches.size(), 1u);
  EXPECT_EQ(rules[1].name, "route/shop/young#0");
  EXPECT_EQ(rules[1].backends, rules[2].backends);
  EXPECT_EQ(rules[2].name, "split/shop/s");
}

TEST(Compile, AnInvalidObjectIsNotAcceptedAndHarmsNobody) {
  Cluster cluster = Shop();
  model::Split broken;
  broken.meta = {.kind = model::CustomKind::kSplit, .ns = "shop", .name = "s", .uid = "1", .created = "1"};
  broken.meta.problems = {{"spec.backends[0].weight", "must be at least 0, got -1"}};
  cluster.model().Put(broken);
  const Compiled compiled = cluster.Compile();
  EXPECT_EQ(Cluster::ServiceIn(compiled, "shop/web").ports[0].rules[0].name, "service/shop/web");
  const Verdict verdict = Cluster::VerdictIn(compiled, "Split shop/s");
  EXPECT_FALSE(verdict.accepted);
  EXPECT_EQ(verdict.accepted_message, "spec.backends[0].weight: must be at least 0, got -1");
}

TEST(Compile, APolicyAppliesToTheWorkloadsWhosePodsItSelects) {
  Cluster cluster = Shop().Injected("shop/a", "web-v1").Injected("shop/b", "web-v2");
  resources::AccessPolicy strict, allow;
  strict.mtls = meshconfig::MtlsMode::kStrict;
  allow.mtls = meshconfig::MtlsMode::kPermissive;
  allow.selector = {{"version", "v2"}};
  allow.rules.resize(2);
  cluster.Policy("shop/strict", strict, "2026-02").Policy("shop/allow", allow, "2026-01");
  const Compiled compiled = cluster.Compile();
  const meshconfig::Workload v2 = Cluster::WorkloadIn(compiled, "shop/web-v2");
  EXPECT_EQ(v2.mtls, meshconfig::MtlsMode::kStrict);
  EXPECT_EQ(v2.mtls_source, "shop/strict");
  ASSERT_EQ(v2.rules.size(), 2u);
  EXPECT_EQ(v2.rules[1].name, "shop/allow#1");
  EXPECT_THAT(v2.ports, ElementsAre(meshconfig::WorkloadPort{8080, Protocol::kHttp}));
  EXPECT_TRUE(Cluster::WorkloadIn(compiled, "shop/web-v1").rules.empty());
  EXPECT_THAT(Cluster::VerdictIn(compiled, "AccessPolicy shop/allow").shaped,
              ElementsAre("workload/shop/web-v2"));
}

TEST(Compile, UnreadyEndpointsServeOnlyWhenNothingElseDoesAndTheyDrain) {
  Cluster cluster = Shop();
  model::EndpointSlice& a = cluster.model().slices.at("shop/web-a");
  a.endpoints[0].ready = false;
  a.endpoints[0].terminating = true;
  EXPECT_EQ(Cluster::EndpointsIn(cluster.Compile(), "shop/web").endpoints.size(), 1u);
  model::EndpointSlice& b = cluster.model().slices.at("shop/web-b");
  b.endpoints[0].ready = b.endpoints[0].serving = false;
  const auto left = Cluster::EndpointsIn(cluster.Compile(), "shop/web").endpoints;
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].pod, "shop/a");
}

TEST(Compile, NodesAreNoPods) {
  Cluster cluster = Shop().Injected("shop/a", "web");
  cluster.model().pods.at("shop/a").host_network = true;
  const Compiled compiled = cluster.Compile();
  EXPECT_FALSE(compiled.entries.contains("address/10.1.0.1"));
  EXPECT_EQ(Cluster::EndpointsIn(compiled, "shop/web").endpoints[0].identity, "");
}

TEST(Compile, HeadlessServicesResolveToTheirPods) {
  Cluster cluster;
  cluster.Service("shop/db", "", {{"tcp-db", 5432, ""}}).Pod("shop/db-0", "fd00::1", "shop/db");
  const Compiled compiled = cluster.Compile();
  EXPECT_EQ(Cluster::AddressIn(compiled, "fd00::1").endpoint->pod, "shop/db-0");
  EXPECT_EQ(Cluster::ServiceIn(compiled, "shop/db").ports[0].protocol, Protocol::kTcp);
}

TEST(Compile, EqualModelsCompileToEqualVersions) {
  const Compiled one = Shop().Compile(), other = Shop().Compile();
  ASSERT_EQ(one.entries.size(), other.entries.size());
  for (const auto& [name, entry] : one.entries) {
    EXPECT_EQ(entry.resource, other.entries.at(name).resource);
  }
}

}  // namespace
}  // namespace tulle::control::compile
