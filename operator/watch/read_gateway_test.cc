#include "operator/watch/read_gateway.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "lib/resources/manifest.h"
#include "operator/watch/read.h"

namespace tulle::control::watch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

template <class Route>
Route Read(const std::string& yaml) {
  const auto documents = resources::ReadManifest(yaml);
  if (!documents.ok()) {
    ADD_FAILURE() << tulle::json::JoinProblems(documents.failure());
    return {};
  }
  auto read = ReadObject(*KindOf(documents->front()), documents->front());
  if (!read.ok()) ADD_FAILURE() << tulle::json::JoinProblems(read.failure());
  return std::get<Route>(std::move(*read));
}

// `rule` is one rule in flow style.
model::HttpRoute HttpRoute(const std::string& rule) {
  return Read<model::HttpRoute>(
      "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: a, namespace: shop}\n"
      "spec: {parentRefs: [{group: \"\", kind: Service, name: web}], rules: [" +
      rule + "]}\n");
}
model::GrpcRoute GrpcRoute(const std::string& rule) {
  return Read<model::GrpcRoute>(
      "apiVersion: gateway.networking.k8s.io/v1\nkind: GRPCRoute\nmetadata: {name: a, namespace: shop}\n"
      "spec: {rules: [" +
      rule + "]}\n");
}
meshconfig::RouteRule Actions(const std::string& rule) {
  const model::HttpRoute route = HttpRoute(rule);
  EXPECT_THAT(route.meta.problems, IsEmpty()) << tulle::json::JoinProblems(route.meta.problems);
  return route.rules ? route.rules->front().actions : meshconfig::RouteRule{};
}
meshconfig::RequestMatch Match(const std::string& match) {
  const model::HttpRoute route = HttpRoute("{matches: [" + match + "]}");
  EXPECT_THAT(route.meta.problems, IsEmpty()) << tulle::json::JoinProblems(route.meta.problems);
  return route.rules ? route.rules->front().matches.front().match : meshconfig::RequestMatch{};
}
std::string ProblemsOf(const std::string& rule) {
  return tulle::json::JoinProblems(HttpRoute(rule).meta.problems);
}

TEST(ReadGateway, ConditionsOfAMatch) {
  const meshconfig::RequestMatch match = Match(R"({
    path: {type: Exact, value: /a}, method: GET,
    headers: [{name: X, value: "1"}, {name: x, value: "2"}, {type: RegularExpression, name: Y, value: "a+"}],
    queryParams: [{name: q, value: "1"}, {name: Q, value: "2"}]})");
  EXPECT_EQ(match.path, (meshconfig::PathMatch{.exact = "/a", .prefix = {}, .regex = {}}));
  EXPECT_EQ(match.method, "GET");
  EXPECT_THAT(match.headers, ElementsAre(meshconfig::HeaderMatch{"X", "1", {}},
                                         meshconfig::HeaderMatch{"Y", {}, json::Regex{"a+"}}));
  EXPECT_THAT(match.query, ElementsAre(meshconfig::ParameterMatch{"q", "1", {}},
                                       meshconfig::ParameterMatch{"Q", "2", {}}));
}

TEST(ReadGateway, APathIsAPrefixBySegmentsUnlessItSaysOtherwise) {
  EXPECT_EQ(Match("{}"), meshconfig::RequestMatch{});
  EXPECT_EQ(Match("{path: {value: /}}"), meshconfig::RequestMatch{});
  EXPECT_EQ(Match("{path: {value: /a/}}").path->prefix, "/a");
  EXPECT_EQ(Match("{path: {type: PathPrefix, value: /a}}").path->prefix, "/a");
  EXPECT_EQ(Match("{path: {type: RegularExpression, value: '/[0-9]+'}}").path->regex->pattern, "/[0-9]+");
}

TEST(ReadGateway, GrpcMethods) {
  const auto match = [](const std::string& method) {
    const model::GrpcRoute route = GrpcRoute("{matches: [{method: " + method + "}]}");
    EXPECT_THAT(route.meta.problems, IsEmpty()) << tulle::json::JoinProblems(route.meta.problems);
    return route.rules->front().matches.front().match;
  };
  EXPECT_EQ(match("{service: shop.Cart}").grpc, (meshconfig::GrpcMatch{"shop.Cart", {}}));
  EXPECT_EQ(match("{service: shop.Cart, method: Add}").grpc, (meshconfig::GrpcMatch{"shop.Cart", "Add"}));
  EXPECT_EQ(match("{method: Add}").grpc, (meshconfig::GrpcMatch{{}, "Add"}));
  EXPECT_EQ(match("{type: RegularExpression, service: 'a|b'}").path->regex->pattern, "/(?:a|b)/[^/]+");
  EXPECT_THAT(GrpcRoute("{}").rules->front().matches, SizeIs(1));
}

TEST(ReadGateway, HeadersAreEdited) {
  const meshconfig::RouteRule actions = Actions(R"({filters: [
    {type: RequestHeaderModifier, requestHeaderModifier: {
       set: [{name: A, value: "1"}, {name: a, value: "2"}], add: [{name: B, value: "3"}], remove: [C]}},
    {type: ResponseHeaderModifier, responseHeaderModifier: {remove: [D]}}]})");
  EXPECT_EQ(actions.request_headers, (meshconfig::HeaderEdits{{{"A", "1"}}, {{"B", "3"}}, {"C"}}));
  EXPECT_EQ(actions.response_headers, (meshconfig::HeaderEdits{{}, {}, {"D"}}));
}

TEST(ReadGateway, ARedirectSaysWhatChanges) {
  EXPECT_EQ(Actions("{filters: [{type: RequestRedirect, requestRedirect: {}}]}").redirect,
            meshconfig::Redirect{});
  const auto redirect = Actions(R"({matches: [{path: {value: /a}}], filters: [{type: RequestRedirect,
    requestRedirect: {scheme: https, hostname: b.io, port: 8443, statusCode: 307,
                      path: {type: ReplacePrefixMatch, replacePrefixMatch: /b/}}}]})")
                            .redirect;
  EXPECT_EQ(redirect, (meshconfig::Redirect{meshconfig::Scheme::kHttps, "b.io", 8443,
                                            meshconfig::PathEdit{{}, "/b"}, 307}));
}

TEST(ReadGateway, ARewriteSaysWhatChanges) {
  const auto rewrite = [](const std::string& text) {
    return Actions("{filters: [{type: URLRewrite, urlRewrite: " + text + "}]}").rewrite;
  };
  EXPECT_EQ(rewrite("{hostname: b.io}"), (meshconfig::Rewrite{{}, "b.io"}));
  EXPECT_EQ(rewrite("{path: {type: ReplaceFullPath, replaceFullPath: /b}}")->path,
            (meshconfig::PathEdit{"/b", {}}));
  EXPECT_EQ(rewrite("{path: {type: ReplacePrefixMatch, replacePrefixMatch: ''}}")->path,
            (meshconfig::PathEdit{{}, "/"}));
}

TEST(ReadGateway, ZeroIsNoLimit) {
  EXPECT_EQ(Actions("{timeouts: {request: 1s}}").timeout, std::chrono::seconds(1));
  EXPECT_GT(*Actions("{timeouts: {request: 0s}}").timeout, std::chrono::hours(1000));
}

TEST(ReadGateway, AFractionOfTheRequestsIsMirrored) {
  const model::HttpRoute route = HttpRoute(R"({filters: [{type: RequestMirror, requestMirror: {
    backendRef: {name: b, port: 80}, fraction: {numerator: 1, denominator: 8}}}]})");
  EXPECT_EQ(route.rules->front().mirrors.front().parts_per_million, 125000);
}

TEST(ReadGateway, WhatTheMeshCannotDoHasAName) {
  EXPECT_THAT(ProblemsOf("{sessionPersistence: {}}"), HasSubstr("spec.rules[0].sessionPersistence"));
  EXPECT_THAT(ProblemsOf("{filters: [{type: ExtensionRef, extensionRef: {}}]}"),
              HasSubstr("spec.rules[0].filters[0].type"));
  EXPECT_THAT(ProblemsOf(R"({backendRefs: [{name: b, port: 80, filters: [
                {type: URLRewrite, urlRewrite: {hostname: b.io}}]}]})"),
              HasSubstr("spec.rules[0].backendRefs[0].filters[0].type: cannot be done for one backend"));
  EXPECT_THAT(
      ProblemsOf(R"({matches: [{path: {type: Exact, value: /a}}], filters: [{type: URLRewrite, urlRewrite: {
                path: {type: ReplacePrefixMatch, replacePrefixMatch: /b}}}]})"),
      HasSubstr("spec.rules[0].filters[0].urlRewrite.path: ReplacePrefixMatch wants"));
  EXPECT_THAT(ProblemsOf(R"({filters: [{type: URLRewrite, urlRewrite: {hostname: b.io}},
                                       {type: RequestRedirect, requestRedirect: {}}]})"),
              HasSubstr("exclude each other"));
  EXPECT_THAT(ProblemsOf("{filters: [{type: URLRewrite}]}"), HasSubstr("says nothing for its type"));
}

TEST(ReadGateway, WhatASidecarWouldRefuseIsRefusedHere) {
  EXPECT_THAT(ProblemsOf("{matches: [{path: {type: RegularExpression, value: '('}}]}"),
              HasSubstr("spec.rules[0]: the mesh has no matches[0].path.regex"));
  EXPECT_THAT(ProblemsOf(R"({filters: [{type: RequestHeaderModifier,
                requestHeaderModifier: {set: [{name: Content-Length, value: "1"}]}}]})"),
              HasSubstr("requestHeaders"));
}

TEST(ReadGateway, ParentsAndStatusesAreReadBesideProblems) {
  const auto route = Read<model::HttpRoute>(R"(
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: a, namespace: shop, resourceVersion: "7", generation: 3}
spec: {parentRefs: [{name: front}, {group: "", kind: Service, name: web, port: 80}], rules: [{unknown: 1}]}
status:
  parents:
  - parentRef: {group: gateway.networking.k8s.io, kind: Gateway, name: front}
    controllerName: other.io/controller
    conditions: [{type: Accepted, status: "True", reason: Accepted, message: "", observedGeneration: 3}]
)");
  EXPECT_FALSE(route.rules.has_value());
  EXPECT_THAT(route.meta.problems, SizeIs(1));
  ASSERT_THAT(route.parents, SizeIs(2));
  EXPECT_FALSE(route.parents[0].IsService());
  EXPECT_TRUE(route.parents[1].IsService());
  EXPECT_EQ(route.resource_version, "7");
  ASSERT_THAT(route.statuses, SizeIs(1));
  EXPECT_EQ(route.statuses[0].controller, "other.io/controller");
  EXPECT_EQ(route.statuses[0].parent->name, "front");
  EXPECT_EQ(route.statuses[0].conditions[0].type, "Accepted");
}

TEST(ReadGateway, AGrantSaysWhoMayReferToWhat) {
  const auto grant = Read<model::ReferenceGrant>(R"(
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {name: g, namespace: far}
spec:
  from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: shop}]
  to: [{group: "", kind: Service}, {group: "", kind: Service, name: web}]
)");
  EXPECT_EQ(grant, (model::ReferenceGrant{"far",
                                          "g",
                                          {{"gateway.networking.k8s.io", "HTTPRoute", "shop"}},
                                          {{"", "Service", ""}, {"", "Service", "web"}}}));
}

}  // namespace
}  // namespace tulle::control::watch
