#include "operator/compile/gateway.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "lib/resources/manifest.h"
#include "operator/compile/cluster_fixture.h"
#include "operator/watch/read.h"

namespace tulle::control::compile {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Services web (ports 80 "http" and 81 "admin") and api in namespace shop, other in namespace far.
class GatewayTest : public testing::Test {
 protected:
  GatewayTest() {
    cluster_.Service("shop/web", "10.0.0.1", {{"http", 80, ""}, {"admin", 81, ""}})
        .Service("shop/api", "10.0.0.2", {{"http", 80, ""}})
        .Service("shop/pods", "", {{"http", 80, ""}})
        .Service("far/other", "10.0.0.3", {{"http", 80, ""}});
  }

  // Objects as kubectl takes them.
  void Put(const std::string& yaml) {
    const auto documents = resources::ReadManifest(yaml);
    ASSERT_TRUE(documents.ok()) << tulle::json::JoinProblems(documents.failure());
    for (const nlohmann::json& document : *documents) {
      auto read = watch::ReadObject(*watch::KindOf(document), document);
      ASSERT_TRUE(read.ok()) << tulle::json::JoinProblems(read.failure());
      cluster_.model().Put(std::move(*read));
    }
  }

  // An HTTPRoute of namespace shop for Service web, port 80. `rules` is the list in flow style.
  void PutRoute(const std::string& name, const std::string& rules, const std::string& created = "2026") {
    Put("apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: " + name +
        ", namespace: shop, generation: 1, creationTimestamp: \"" + created +
        "\"}\nspec: {parentRefs: [{group: \"\", kind: Service, name: web, port: 80}], rules: " + rules +
        "}\n");
  }

  std::vector<meshconfig::RouteRule> Rules(const std::string& service = "shop/web", int64_t port = 80) {
    for (const meshconfig::ServicePort& found : Cluster::ServiceIn(cluster_.Compile(), service).ports) {
      if (found.port == port) return found.rules;
    }
    return {};
  }

  std::vector<std::string> Names(const std::string& service = "shop/web", int64_t port = 80) {
    std::vector<std::string> names;
    for (const meshconfig::RouteRule& rule : Rules(service, port)) names.push_back(rule.name);
    return names;
  }

  // "Accepted reason, ResolvedRefs reason".
  std::string Reasons(const std::string& text) {
    const Verdict verdict = Cluster::VerdictIn(cluster_.Compile(), text);
    EXPECT_EQ(verdict.accepted, verdict.accepted_reason == "Accepted");
    EXPECT_EQ(verdict.resolved, verdict.resolved_reason == "ResolvedRefs");
    EXPECT_EQ(verdict.in_force, !verdict.shaped.empty());
    return verdict.accepted_reason + ", " + verdict.resolved_reason;
  }

  Cluster cluster_;
};

TEST_F(GatewayTest, TheMostSpecificMatchComesFirstWhicheverRouteHasIt) {
  PutRoute("b", R"([
    {name: header, matches: [{headers: [{name: x, value: y}]}], backendRefs: [{name: api, port: 80}]},
    {name: long, matches: [{path: {value: /a/b}}], backendRefs: [{name: api, port: 80}]},
    {name: regex, matches: [{path: {type: RegularExpression, value: /a.*}}], backendRefs: [{name: api, port: 80}]}])");
  PutRoute("c", R"([
    {name: exact, matches: [{path: {type: Exact, value: /a}}], backendRefs: [{name: api, port: 80}]},
    {name: method, matches: [{path: {value: /a}, method: GET}], backendRefs: [{name: api, port: 80}]},
    {name: query, matches: [{path: {value: /a}, queryParams: [{name: q, value: v}]}],
     backendRefs: [{name: api, port: 80}]},
    {name: short, matches: [{path: {value: /a}}], backendRefs: [{name: api, port: 80}]}])");
  EXPECT_THAT(Names(),
              ElementsAre("httproute/shop/c#exact", "httproute/shop/b#regex", "httproute/shop/b#long",
                          "httproute/shop/c#method", "httproute/shop/c#query", "httproute/shop/c#short",
                          "httproute/shop/b#header", "httproute/shop/b#no-match"));
}

TEST_F(GatewayTest, OfEqualMatchesTheOlderRouteThenTheNameThenThePlaceDecides) {
  const std::string rules =
      "[{backendRefs: [{name: api, port: 80}]}, {backendRefs: [{name: web, port: 80}]}]";
  PutRoute("c", rules, "2024");
  PutRoute("b", rules, "2025");
  PutRoute("a", rules, "2025");
  EXPECT_THAT(Names(), ElementsAre("httproute/shop/c#0", "httproute/shop/c#1", "httproute/shop/a#0",
                                   "httproute/shop/a#1", "httproute/shop/b#0", "httproute/shop/b#1",
                                   "httproute/shop/c#no-match"));
}

TEST_F(GatewayTest, TheMatchesOfOneRuleStandWhereEachBelongs) {
  PutRoute("a", R"([
    {name: ends, matches: [{path: {value: /a/b/c}}, {path: {value: /}}], backendRefs: [{name: api, port: 80}]},
    {name: middle, matches: [{path: {value: /a/b}}, {path: {value: /a}}], backendRefs: [{name: web, port: 80}]}])");
  EXPECT_THAT(Names(), ElementsAre("httproute/shop/a#ends", "httproute/shop/a#middle",
                                   "httproute/shop/a#ends", "httproute/shop/a#no-match"));
  EXPECT_EQ(Rules()[1].matches.size(), 2u);
}

TEST_F(GatewayTest, WhatNoRuleTakesIsNotFound) {
  PutRoute("a", "[{matches: [{path: {value: /a}}], backendRefs: [{name: api, port: 80}]}]");
  const meshconfig::RouteRule last = Rules().back();
  ASSERT_TRUE(last.respond.has_value());
  EXPECT_EQ(last.respond->status, 404);
  EXPECT_THAT(last.matches, IsEmpty());
  EXPECT_THAT(Names("shop/web", 81), ElementsAre("service/shop/web"));
}

TEST_F(GatewayTest, AConsumerRouteIsForCallersOfItsNamespaceAndAsksNobody) {
  PutRoute("producer", "[{backendRefs: [{name: api, port: 80}]}]");
  Put(R"(
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: consumer, namespace: far, generation: 1}
spec:
  parentRefs: [{group: "", kind: Service, name: web, namespace: shop}]
  rules: [{backendRefs: [{name: web, namespace: shop, port: 80}]}]
)");
  EXPECT_THAT(Names(), ElementsAre("httproute/far/consumer#0", "httproute/far/consumer#no-match",
                                   "httproute/shop/producer#0", "httproute/shop/producer#no-match"));
  for (const size_t consumer : {0, 1}) {
    ASSERT_EQ(Rules()[consumer].matches.size(), 1u);
    EXPECT_EQ(Rules()[consumer].matches[0].source, (meshconfig::SourceMatch{"far", std::nullopt}));
  }
  EXPECT_EQ(Reasons("HTTPRoute far/consumer"), "Accepted, ResolvedRefs");
  EXPECT_THAT(Names("shop/web", 81),
              ElementsAre("httproute/far/consumer#0", "httproute/far/consumer#no-match", "service/shop/web"));
}

TEST_F(GatewayTest, AnotherNamespaceMustAllowReferences) {
  PutRoute("a", "[{backendRefs: [{name: other, namespace: far, port: 80}]}]");
  EXPECT_EQ(Reasons("HTTPRoute shop/a"), "Accepted, RefNotPermitted");
  EXPECT_THAT(Rules()[0].backends[0].error.value_or(""), HasSubstr("no ReferenceGrant of namespace far"));
  const auto grant = [&](const std::string& from, const std::string& to) {
    Put("apiVersion: gateway.networking.k8s.io/v1beta1\nkind: ReferenceGrant\n"
        "metadata: {name: g, namespace: far}\nspec: {from: [{group: gateway.networking.k8s.io, " +
        from + "}], to: [{group: \"\", kind: Service" + to + "}]}\n");
    return Reasons("HTTPRoute shop/a");
  };
  EXPECT_EQ(grant("kind: HTTPRoute, namespace: elsewhere", ""), "Accepted, RefNotPermitted");
  EXPECT_EQ(grant("kind: GRPCRoute, namespace: shop", ""), "Accepted, RefNotPermitted");
  EXPECT_EQ(grant("kind: HTTPRoute, namespace: shop", ", name: third"), "Accepted, RefNotPermitted");
  EXPECT_EQ(grant("kind: HTTPRoute, namespace: shop", ", name: other"), "Accepted, ResolvedRefs");
  EXPECT_EQ(grant("kind: HTTPRoute, namespace: shop", ""), "Accepted, ResolvedRefs");
  EXPECT_EQ(Rules()[0].backends[0].endpoints, "endpoints/far/other");
}

TEST_F(GatewayTest, AnInvalidBackendIsAnErrorForItsShare) {
  PutRoute("a", R"([{backendRefs: [{name: web, port: 80, weight: 3}, {name: nobody, port: 80},
                                   {name: api, port: 9, weight: 0}, {group: x.io, kind: Bucket, name: b}]}])");
  EXPECT_EQ(Reasons("HTTPRoute shop/a"), "Accepted, BackendNotFound");
  const Verdict verdict = Cluster::VerdictIn(cluster_.Compile(), "HTTPRoute shop/a");
  EXPECT_THAT(verdict.resolved_message,
              HasSubstr("spec.rules[0].backendRefs[1]: Service shop/nobody does not"));
  EXPECT_THAT(verdict.resolved_message,
              HasSubstr("spec.rules[0].backendRefs[2]: Service shop/api has no port 9"));
  EXPECT_THAT(verdict.resolved_message, HasSubstr("not to Bucket.x.io"));
  const auto backends = Rules()[0].backends;
  EXPECT_FALSE(backends[0].error.has_value());
  EXPECT_EQ(backends[0].weight, 3);
  for (const size_t wrong : {1, 2, 3}) EXPECT_TRUE(backends[wrong].error.has_value()) << wrong;
  EXPECT_EQ(backends[2].weight, 0);
}

TEST_F(GatewayTest, AKindThatIsNoServiceIsInvalid) {
  PutRoute("a", "[{backendRefs: [{group: x.io, kind: Bucket, name: b}]}]");
  EXPECT_EQ(Reasons("HTTPRoute shop/a"), "Accepted, InvalidKind");
}

TEST_F(GatewayTest, ARuleWithoutBackendsAndRedirectHasNowhereToGo) {
  PutRoute("a", "[{matches: [{path: {value: /a}}]}]");
  EXPECT_EQ(Rules()[0].backends[0].error, "the rule names no backend");
  EXPECT_EQ(Reasons("HTTPRoute shop/a"), "Accepted, ResolvedRefs");
}

TEST_F(GatewayTest, EachParentIsJudgedAlone) {
  Put(R"(
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: a, namespace: shop, generation: 4}
spec:
  parentRefs:
  - {name: front}
  - {group: "", kind: Service, name: web, sectionName: admin}
  - {group: "", kind: Service, name: web, port: 8080}
  - {group: "", kind: Service, name: nobody}
  - {group: "", kind: Service, name: pods}
  rules: [{backendRefs: [{name: api, port: 80}]}]
)");
  std::vector<std::string> reasons;
  for (const Verdict& verdict : cluster_.Compile().verdicts) {
    EXPECT_EQ(verdict.meta.generation, 4);
    reasons.push_back(verdict.parent->name + " " + verdict.accepted_reason + " " + verdict.accepted_message);
  }
  EXPECT_THAT(reasons, ElementsAre("web Accepted ", "web NoMatchingParent Service shop/web has no such port",
                                   "nobody NoMatchingParent Service shop/nobody does not exist",
                                   HasSubstr("pods NoMatchingParent Service shop/pods is headless")));
  EXPECT_THAT(Names("shop/web", 80), ElementsAre("service/shop/web"));
  EXPECT_THAT(Names("shop/web", 81), ElementsAre("httproute/shop/a#0", "httproute/shop/a#no-match"));
}

TEST_F(GatewayTest, AGrpcRouteKeepsAnHttpRouteOfTheSamePortOut) {
  PutRoute("a", "[{backendRefs: [{name: api, port: 80}]}]", "2024");
  Put(R"(
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: g, namespace: shop, generation: 1, creationTimestamp: "2026"}
spec:
  parentRefs: [{group: "", kind: Service, name: web}]
  rules:
  - {name: any, backendRefs: [{name: api, port: 80}]}
  - {name: service, matches: [{method: {service: a.B}}], backendRefs: [{name: api, port: 80}]}
  - {name: method, matches: [{method: {method: Add}}], backendRefs: [{name: api, port: 80}]}
  - {name: both, matches: [{method: {service: a.B, method: Add}}], backendRefs: [{name: api, port: 80}]}
)");
  EXPECT_EQ(Reasons("HTTPRoute shop/a"), "Conflicted, ResolvedRefs");
  EXPECT_EQ(Cluster::VerdictIn(cluster_.Compile(), "HTTPRoute shop/a").accepted_message,
            "port 80 is decided by GRPCRoute shop/g");
  EXPECT_EQ(Reasons("GRPCRoute shop/g"), "Accepted, ResolvedRefs");
  EXPECT_THAT(Names(),
              ElementsAre("grpcroute/shop/g#both", "grpcroute/shop/g#service", "grpcroute/shop/g#method",
                          "grpcroute/shop/g#any", "grpcroute/shop/g#no-match"));
}

TEST_F(GatewayTest, ASplitOfTheSamePortIsToldWhoDecides) {
  cluster_.Split("shop/split",
                 {.service = "web", .port = {}, .backends = {{.service = "api", .port = {}, .labels = {}}}});
  PutRoute("a", "[{backendRefs: [{name: api, port: 80}]}]");
  const Verdict verdict = Cluster::VerdictIn(cluster_.Compile(), "Split shop/split");
  EXPECT_TRUE(verdict.accepted);
  EXPECT_EQ(verdict.accepted_message, "port 80 is decided by HTTPRoute shop/a");
  EXPECT_THAT(Names("shop/web", 81), ElementsAre("split/shop/split"));
}

TEST_F(GatewayTest, OurOwnRoutesAreAskedBeforeProducerRoutes) {
  cluster_.Route("shop/own", {.service = "web", .port = {}, .rules = {{}}});
  PutRoute("a", "[{backendRefs: [{name: api, port: 80}]}]");
  EXPECT_THAT(Names(), ElementsAre("route/shop/own#0", "httproute/shop/a#0", "httproute/shop/a#no-match"));
}

TEST_F(GatewayTest, WhatTheMeshCannotDoIsRefusedAndTheLastGoodVersionStays) {
  PutRoute("a", "[{name: good, backendRefs: [{name: api, port: 80}]}]");
  PutRoute("a", "[{name: bad, filters: [{type: CORS, cors: {}}], backendRefs: [{name: api, port: 80}]}]");
  EXPECT_EQ(Reasons("HTTPRoute shop/a"), "UnsupportedValue, ResolvedRefs");
  const Verdict verdict = Cluster::VerdictIn(cluster_.Compile(), "HTTPRoute shop/a");
  EXPECT_THAT(verdict.accepted_message, HasSubstr("spec.rules[0].filters[0].cors"));
  EXPECT_THAT(verdict.accepted_message, HasSubstr("the last valid version stays in force"));
  EXPECT_THAT(Names(), ElementsAre("httproute/shop/a#good", "httproute/shop/a#no-match"));
}

TEST_F(GatewayTest, ALimitOfOneAttemptLeavesTheirNumberToThePolicy) {
  resources::TrafficPolicy policy;
  policy.service = "web";
  policy.retry = meshconfig::Retry{.attempts = 7, .per_try_timeout = {}, .budget = {}};
  cluster_.Add(model::CustomKind::kTrafficPolicy, "shop/policy", policy);
  PutRoute("a", "[{timeouts: {request: 2s, backendRequest: 1s}, backendRefs: [{name: api, port: 80}]}]");
  const meshconfig::RouteRule rule = Rules()[0];
  EXPECT_EQ(rule.timeout, std::chrono::seconds(2));
  EXPECT_EQ(rule.retry,
            (meshconfig::Retry{.attempts = 7, .per_try_timeout = std::chrono::seconds(1), .budget = {}}));
}

TEST_F(GatewayTest, MirrorsAreResolvedAndAWrongOneIsLeftOut) {
  PutRoute(
      "a",
      R"([{filters: [{type: RequestMirror, requestMirror: {backendRef: {name: api, port: 80}, percent: 5}},
                              {type: RequestMirror, requestMirror: {backendRef: {name: nobody, port: 80}}}],
                    backendRefs: [{name: web, port: 80}]}])");
  EXPECT_EQ(Reasons("HTTPRoute shop/a"), "Accepted, BackendNotFound");
  const auto mirrors = Rules()[0].mirrors;
  ASSERT_EQ(mirrors.size(), 1u);
  EXPECT_EQ(mirrors[0].backend.endpoints, "endpoints/shop/api");
  EXPECT_EQ(mirrors[0].parts_per_million, 50000);
}

}  // namespace
}  // namespace tulle::control::compile
