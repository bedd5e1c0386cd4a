#include <gtest/gtest.h>

#include "operator/compile/cluster_fixture.h"

namespace tulle::control::compile {
namespace {

using std::chrono::seconds;

Cluster Shop() {
  Cluster cluster;
  cluster.Service("shop/web", "10.0.0.1", {{"http", 80, ""}})
      .Pod("shop/a", "10.1.0.1", "shop/web")
      .Injected("shop/a", "web");
  return cluster;
}

TEST(Protection, OutliersAreLookedForWithoutBeingAskedTo) {
  const meshconfig::CallPolicy policy = Cluster::ServiceIn(Shop().Compile(), "shop/web").policy;
  EXPECT_EQ(policy.source, "");
  EXPECT_EQ(policy.outlier_detection.mode, meshconfig::Mode::kEnforce);
  EXPECT_EQ(policy.outlier_detection.consecutive_5xx, 5);
  EXPECT_EQ(policy.retry.budget.percent, 20);
  EXPECT_EQ(policy.limits, meshconfig::CallLimits());
}

TEST(Protection, ATrafficPolicyIsNamedAsTheSourceOfItsLimits) {
  resources::TrafficPolicy calls;
  calls.service = "web";
  calls.limits.emplace().requests = 7;
  calls.outlier_detection.emplace().base_ejection = seconds(30);
  const auto policy = Cluster::ServiceIn(Shop().Calls("shop/calls", calls).Compile(), "shop/web").policy;
  EXPECT_EQ(policy.source, "shop/calls");
  EXPECT_EQ(policy.limits.requests, 7);
  EXPECT_EQ(policy.outlier_detection.base_ejection, seconds(30));
}

TEST(Protection, RateLimitsOfAllPoliciesCountAndAreNamed) {
  resources::AccessPolicy old, young;
  old.rate_limits.push_back(
      {.mode = {}, .requests = 10, .per = {}, .burst = {}, .by = {}, .header = {}, .to = {}});
  young.rate_limits.resize(2);
  young.rate_limits[1].requests = 5;
  young.rate_limits[1].burst = 50;
  young.rate_limits[1].by = meshconfig::RateKey::kHeader;
  young.rate_limits[1].header = "x-key";
  const Compiled compiled =
      Shop().Policy("shop/old", old, "2026-01").Policy("shop/young", young, "2026-02").Compile();
  const auto limits = Cluster::WorkloadIn(compiled, "shop/web").rate_limits;
  ASSERT_EQ(limits.size(), 3u);
  EXPECT_EQ(limits[0].name, "shop/old#0");
  EXPECT_EQ(limits[0].burst, 10);
  EXPECT_EQ(limits[0].per, seconds(1));
  EXPECT_EQ(limits[2].name, "shop/young#1");
  EXPECT_EQ(limits[2].burst, 50);
  EXPECT_EQ(limits[2].header, "x-key");
}

TEST(Protection, TheOldestPolicyDecidesAboutConcurrency) {
  resources::AccessPolicy old, young;
  old.concurrency.emplace().minimum = 30;
  young.concurrency.emplace();
  const Compiled compiled =
      Shop().Policy("shop/young", young, "2026-02").Policy("shop/old", old, "2026-01").Compile();
  const auto limit = Cluster::WorkloadIn(compiled, "shop/web").concurrency;
  ASSERT_TRUE(limit.has_value());
  EXPECT_EQ(limit->name, "shop/old");
  EXPECT_EQ(limit->initial, 30);
  EXPECT_EQ(Cluster::WorkloadIn(Shop().Compile(), "shop/web").concurrency, std::nullopt);
}

}  // namespace
}  // namespace tulle::control::compile
