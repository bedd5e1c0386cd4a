#include "sidecar/route/router.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "lib/meshconfig/codec.h"

namespace tulle::sidecar::route {
namespace {

// The rules of one port, in the JSON of the mesh config.
std::vector<Rule> Rules(const std::string& rules) {
  const auto service =
      meshconfig::DecodeService(R"({"name":"shop/web","ports":[{"port":80,"rules":[)" + rules + "]}]}");
  EXPECT_TRUE(service.ok()) << json::JoinProblems(service.failure());
  std::vector<Rule> made;
  for (const auto& rule : service->ports[0].rules) made.emplace_back(rule);
  return made;
}

std::string RuleJson(const std::string& name, const std::string& matches, const std::string& weights = "1") {
  std::string backends;
  for (size_t start = 0; start < weights.size();) {
    const size_t space = std::min(weights.find(' ', start), weights.size());
    backends += (backends.empty() ? "" : ",") + (R"({"source":"b","endpoints":"e","port":80,"weight":)" +
                                                 weights.substr(start, space - start) + "}");
    start = space + 1;
  }
  return R"({"name":")" + name + R"(","matches":[)" + matches + R"(],"backends":[)" + backends + "]}";
}

struct Request {
  explicit Request(std::string_view method, std::string_view target, std::vector<http::Header> headers = {}) {
    head.method = method;
    head.target = target;
    head.headers = std::move(headers);
  }
  http::RequestHead head;
};

std::string Chosen(const std::vector<Rule>& rules, const Request& request) {
  const Decision decision = Decide(rules, {&request.head}, 0);
  return decision.rule == nullptr ? "none" : decision.rule->config().name;
}

bool PathMatches(const std::string& match, std::string_view path) {
  return Chosen(Rules(RuleJson("yes", R"({"path":{)" + match + "}}")), Request("GET", path)) == "yes";
}

TEST(Route, TheFirstRuleThatMatchesDecides) {
  const auto rules = Rules(RuleJson("a", R"({"path":{"prefix":"/a"}})") + "," +
                           RuleJson("ab", R"({"path":{"exact":"/a/b"}})") + "," + RuleJson("rest", ""));
  EXPECT_EQ(Chosen(rules, Request("GET", "/a/b")), "a");
  EXPECT_EQ(Chosen(rules, Request("GET", "/b")), "rest");
  EXPECT_EQ(Chosen({}, Request("GET", "/b")), "none");
}

TEST(Route, AnyMatchIsEnoughAndAllItsFieldsCount) {
  const auto rules = Rules(RuleJson("r", R"({"method":"PUT"},{"path":{"exact":"/x"},"method":"GET"})"));
  EXPECT_EQ(Chosen(rules, Request("PUT", "/y")), "r");
  EXPECT_EQ(Chosen(rules, Request("GET", "/x?q")), "r");
  EXPECT_EQ(Chosen(rules, Request("GET", "/y")), "none");
  EXPECT_EQ(Chosen(rules, Request("put", "/y")), "none");
}

TEST(Route, PrefixesEndAtSegments) {
  for (const char* prefix : {R"("prefix":"/a")", R"("prefix":"/a/")"}) {
    EXPECT_TRUE(PathMatches(prefix, "/a"));
    EXPECT_TRUE(PathMatches(prefix, "/a/"));
    EXPECT_TRUE(PathMatches(prefix, "/a/b"));
    EXPECT_TRUE(PathMatches(prefix, "/a?b"));
    EXPECT_FALSE(PathMatches(prefix, "/ab"));
    EXPECT_FALSE(PathMatches(prefix, "/b/a"));
  }
  EXPECT_TRUE(PathMatches(R"("prefix":"/")", "/"));
  EXPECT_TRUE(PathMatches(R"("prefix":"/")", "/anything"));
}

TEST(Route, ExactPathsAndRegexesMatchWholePaths) {
  EXPECT_TRUE(PathMatches(R"("exact":"/a")", "/a?b"));
  EXPECT_FALSE(PathMatches(R"("exact":"/a")", "/a/"));
  EXPECT_TRUE(PathMatches(R"("regex":"/v[0-9]+")", "/v12"));
  EXPECT_FALSE(PathMatches(R"("regex":"/v[0-9]+")", "/v12/x"));
  EXPECT_FALSE(PathMatches(R"("regex":"/v[0-9]+")", "/x/v1"));
  EXPECT_FALSE(PathMatches(R"("regex":"/a|/b")", "/bc"));
}

TEST(Route, HeadersMatchByValue) {
  const auto rules = Rules(
      RuleJson("r", R"({"headers":[{"name":"X-User","exact":"ann"},{"name":"X-Beta","regex":"1|true"}]})"));
  EXPECT_EQ(Chosen(rules, Request("GET", "/", {{"x-user", "ann"}, {"X-BETA", "true"}})), "r");
  EXPECT_EQ(Chosen(rules, Request("GET", "/", {{"x-user", "Ann"}, {"x-beta", "1"}})), "none");
  EXPECT_EQ(Chosen(rules, Request("GET", "/", {{"x-user", "ann"}, {"x-beta", "11"}})), "none");
  EXPECT_EQ(Chosen(rules, Request("GET", "/", {{"x-user", "ann"}})), "none");
}

TEST(Route, WhatIsNotHttpFallsThroughToRulesWithoutMatches) {
  const auto rules = Rules(RuleJson("http", R"({"method":"GET"})") + "," + RuleJson("rest", ""));
  EXPECT_EQ(Decide(rules, {nullptr}, 0).rule->config().name, "rest");
}

TEST(Route, SourcesAreWholeNames) {
  const auto rules = Rules(RuleJson("ours", R"({"source":{"namespace":"shop","workload":"a"}})") + "," +
                           RuleJson("near", R"({"source":{"namespace":"shop"}})"));
  EXPECT_EQ(Decide(rules, {nullptr, "shop/a"}, 0).rule->config().name, "ours");
  EXPECT_EQ(Decide(rules, {nullptr, "shop/ab"}, 0).rule->config().name, "near");
  EXPECT_EQ(Decide(rules, {nullptr, "shops/a"}, 0).rule, nullptr);
  EXPECT_EQ(Decide(rules, {nullptr, ""}, 0).rule, nullptr);
}

TEST(Sticky, AClientStaysAndAChangeOfWeightsMovesOnlyWhoMust) {
  const auto rule = [](const std::string& weights) {
    meshconfig::RouteRule made;
    for (size_t i = 0; i < weights.size(); ++i) {
      made.backends.push_back({"s", "endpoints/" + std::to_string(i), 80, (weights[i] - '0') * 10});
    }
    return Rule(made);
  };
  const Rule before = rule("91"), after = rule("82");
  int first = 0, moved = 0;
  constexpr int kClients = 20000;
  for (int i = 0; i < kClients; ++i) {
    const std::string client = "client-" + std::to_string(i);
    const size_t was = *before.PickSticky(client), is = *after.PickSticky(client);
    EXPECT_FALSE(was == 1 && is == 0) << client;
    first += was == 0;
    moved += was != is;
  }
  EXPECT_NEAR(first, kClients * .9, kClients * .02);
  EXPECT_NEAR(moved, kClients * .1, kClients * .02);
  EXPECT_EQ(rule("00").PickSticky("x"), std::nullopt);
}

TEST(Weights, SharesAreAsWritten) {
  const auto rules = Rules(RuleJson("r", "", "90 0 9 1"));
  constexpr int kRequests = 100000;
  std::mt19937_64 random(42);
  std::array<int, 4> counts{};
  for (int i = 0; i < kRequests; ++i) ++counts[*rules[0].PickBackend(random())];
  EXPECT_EQ(counts[1], 0);
  double chi_square = 0;
  for (const auto& [index, share] : {std::pair{0, .90}, {2, .09}, {3, .01}}) {
    const double expected = share * kRequests;
    chi_square += std::pow(counts[index] - expected, 2) / expected;
  }
  EXPECT_LT(chi_square, 13.8);  // 2 degrees of freedom, p = 0.001
}

TEST(Weights, EndsOfTheRandomRangeBelongToTheFirstAndTheLastShare) {
  const auto rules = Rules(RuleJson("r", "", "0 1 1000000 1 0"));
  EXPECT_EQ(rules[0].PickBackend(0), 1u);
  EXPECT_EQ(rules[0].PickBackend(UINT64_MAX), 3u);
}

TEST(Weights, WithoutAnyShareThereIsNoBackend) {
  const auto rules = Rules(RuleJson("r", "", "0 0"));
  const Decision decision = Decide(rules, {nullptr}, 7);
  EXPECT_NE(decision.rule, nullptr);
  EXPECT_EQ(decision.backend(), nullptr);
}

}  // namespace
}  // namespace tulle::sidecar::route
