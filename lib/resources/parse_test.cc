#include "lib/resources/parse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "lib/json/text.h"
#include "lib/resources/manifest.h"

namespace tulle::resources {
namespace {

using ::testing::HasSubstr;

// The object in a YAML text, whose apiVersion and metadata are filled in.
nlohmann::json Ours(const std::string& kind, const std::string& spec) {
  auto documents = ReadManifest("apiVersion: tulle.dev/v1alpha1\nkind: " + kind +
                                "\nmetadata: {name: web, namespace: shop, uid: u1, generation: 4,\n"
                                "  creationTimestamp: \"2026-01-02T03:04:05Z\"}\nspec:" +
                                spec);
  EXPECT_TRUE(documents.ok()) << json::JoinProblems(documents.failure());
  return documents->front();
}

std::string FailureOf(const nlohmann::json& object) {
  const auto parsed = ParseObject(object);
  return parsed ? "ok" : DescribeProblems(object, parsed.failure());
}

TEST(ParseObject, ReadsASplit) {
  auto object = ParseObject(Ours("Split", R"(
  service: web
  backends:
  - labels: {version: v1}
    weight: 90
  - service: web-next
    port: 8080
    weight: 10
)"));
  ASSERT_TRUE(object.ok()) << json::JoinProblems(object.failure());
  EXPECT_EQ(object->kind, "Split");
  EXPECT_EQ(object->QualifiedName(), "shop/web");
  EXPECT_EQ(object->uid, "u1");
  EXPECT_EQ(object->generation, 4);
  EXPECT_EQ(object->creation_timestamp, "2026-01-02T03:04:05Z");
  const Split& split = std::get<Split>(object->spec);
  EXPECT_EQ(split.backends[0].labels.at("version"), "v1");
  EXPECT_EQ(split.backends[1].weight, 10);
}

TEST(ParseObject, ReadsTheOtherKinds) {
  EXPECT_EQ(FailureOf(Ours("Route", R"( {service: web, rules: [{matches: [{path: {prefix: /a}, method: GET,
      headers: [{name: x-user, regex: "a.*"}]}], backends: [{service: b}], timeout: 2s, retry: {attempts: 1}}]})")),
            "ok");
  EXPECT_EQ(
      FailureOf(Ours("TrafficPolicy", R"( {service: web, loadBalancing: RoundRobin, connectTimeout: 250ms,
      requestTimeout: 1m30s, retry: {attempts: 0}})")),
      "ok");
  EXPECT_EQ(FailureOf(Ours("AccessPolicy", R"( {selector: {app: web}, mtls: Strict, rules: [{action: Allow,
      from: [{serviceAccounts: [shop/client]}], to: [{ports: [80], methods: [GET], paths: [{exact: /}]}]}]})")),
            "ok");
}

TEST(ParseObject, ProblemsNameObjectAndField) {
  EXPECT_EQ(FailureOf(Ours("Split", " {service: web, backends: [{service: a}, {service: b, weight: -1}]}")),
            "Split shop/web: spec.backends[1].weight: must be at least 0, got -1");
  EXPECT_EQ(FailureOf(Ours("Split", " {service: web, backends: [{service: a, wieght: 1}]}")),
            "Split shop/web: spec.backends[0].wieght: unknown field; did you mean \"weight\"?");
  EXPECT_EQ(FailureOf(Ours("Split", " {service: web, backends: [{service: a, weight: 0}]}")),
            "Split shop/web: spec: backends: at least one weight must be above 0");
  EXPECT_EQ(FailureOf(Ours("Route", " {service: web, rules: [{matches: [{path: {regex: \"(\"}}]}]}")),
            "Route shop/web: spec.rules[0].matches[0].path.regex: \"(\" is not a regular expression (RE2): "
            "missing ): (");
}

TEST(ParseObject, WhatOnlyOneFieldMaySay) {
  EXPECT_EQ(
      FailureOf(Ours("Route", " {service: web, rules: [{matches: [{path: {exact: /a, prefix: /b}}]}]}")),
      "Route shop/web: spec.rules[0].matches[0].path: exactly one of exact, prefix and regex must be set");
}

TEST(ParseObject, OtherVersionsAndKindsAreRefused) {
  nlohmann::json object = Ours("Split", " {service: web, backends: [{service: a}]}");
  object["apiVersion"] = "tulle.dev/v2";
  EXPECT_EQ(FailureOf(object),
            "Split shop/web: apiVersion: must be tulle.dev/v1alpha1, got \"tulle.dev/v2\"");
  EXPECT_TRUE(IsOurs(object));
  object["apiVersion"] = "tulle.development/v1";
  EXPECT_FALSE(IsOurs(object));
  EXPECT_THAT(FailureOf(Ours("Splt", " {}")), HasSubstr("kind: must be one of Route, Split, "));
}

TEST(ParseObject, MetadataIsReadLenientlyButNeedsAName) {
  nlohmann::json object = Ours("Split", " {service: web, backends: [{service: a}]}");
  object["metadata"]["managedFields"] = nlohmann::json::array({1, 2});
  object["status"] = {{"anything", 1}};
  EXPECT_EQ(FailureOf(object), "ok");
  object["metadata"]["name"] = "../web";
  EXPECT_EQ(FailureOf(object), "Split shop/../web: metadata.name: \"../web\" is not a name");
  object["metadata"].erase("name");
  EXPECT_EQ(FailureOf(object), "Split: metadata.name: is required");
  object["metadata"]["generateName"] = "web-";
  EXPECT_EQ(FailureOf(object), "ok");
  object["metadata"] = 7;
  EXPECT_EQ(FailureOf(object), "Split: metadata.name: is required");
}

TEST(ParseObject, WhatIsNoObjectIsRefused) {
  for (const nlohmann::json& object : {nlohmann::json(), nlohmann::json(1), nlohmann::json::array()}) {
    EXPECT_NE(FailureOf(object), "ok");
    EXPECT_FALSE(IsOurs(object));
  }
  nlohmann::json object = Ours("Split", " {service: web, backends: [{service: a}]}");
  object["specs"] = 1;
  EXPECT_EQ(FailureOf(object), "Split shop/web: specs: unknown field");
  object.erase("specs");
  object.erase("spec");
  EXPECT_EQ(FailureOf(object), "Split shop/web: spec: is required");
}

TEST(ParseObject, SelectorsThatWouldMeanEverybodyByAccidentAreRefused) {
  EXPECT_THAT(FailureOf(Ours("AccessPolicy", " {rules: [{action: Allow, from: [{}]}]}")),
              HasSubstr("spec.rules[0].from[0]: "));
  EXPECT_THAT(FailureOf(Ours("AccessPolicy", " {rules: [{action: Allow, from: [{namespaces: []}]}]}")),
              HasSubstr("spec.rules[0].from[0].namespaces: must have at least 1 items, got 0"));
  EXPECT_THAT(FailureOf(Ours("AccessPolicy", " {rules: [{action: Deny, to: [{}]}]}")),
              HasSubstr("spec.rules[0].to[0]: "));
}

TEST(ParseObject, LabelsMustBeLabels) {
  EXPECT_THAT(FailureOf(Ours("Split", " {service: web, backends: [{labels: {version: \"v1,a=b\"}}]}")),
              HasSubstr("spec.backends[0].labels.version: must match "));
  EXPECT_THAT(FailureOf(Ours("Split", " {service: web, backends: [{labels: {\"a=b\": v1}}]}")),
              HasSubstr("spec.backends[0].labels[\"a=b\"]: must match "));
  EXPECT_EQ(FailureOf(Ours("Split", " {service: web, backends: [{labels: {app.kubernetes.io/name: \"\"}}]}")),
            "ok");
}

}  // namespace
}  // namespace tulle::resources
