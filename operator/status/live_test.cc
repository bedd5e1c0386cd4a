#include "operator/status/live.h"

#include <gtest/gtest.h>

#include "operator/status/conditions.h"
#include "operator/status/config_maps.h"

namespace tulle::control::status {
namespace {

using distribute::ReplicaReport;
using distribute::SidecarReport;

// A Split of generation 2 that shaped service/shop/web, two replicas, two pods that use the Service.
class LiveTest : public testing::Test {
 protected:
  LiveTest() {
    auto compiled = std::make_shared<compile::Compiled>();
    compiled->entries["mesh"].resource = {"mesh", "m", "{}"};
    compiled->entries["workload/shop/client"].resource = {"workload/shop/client", "w", "{}"};
    compiled->entries["address/10.0.0.1"] = {{"address/10.0.0.1", "a", "{}"}, {"service/shop/web"}};
    compiled->entries["service/shop/web"].resource = {"service/shop/web", "new", "{}"};
    verdict_.meta = {
        .kind = model::CustomKind::kSplit, .ns = "shop", .name = "web", .uid = "1", .created = ""};
    verdict_.meta.generation = 2;
    verdict_.shaped = {"service/shop/web"};
    compiled->verdicts = {verdict_};
    view_.compiled = compiled;
    view_.pods = {{"shop/a", "shop/client", true}, {"shop/b", "shop/client", true}};
    view_.replicas = {{"op-1", "10.9.0.1", true}, {"op-2", "10.9.0.2", true}};
    reports_ = {{"op-1", {{"Split shop/web", 2}}, {Sidecar("shop/a", "new")}},
                {"op-2", {{"Split shop/web", 2}}, {Sidecar("shop/b", "new")}}};
  }

  static SidecarReport Sidecar(const std::string& pod, const std::string& version) {
    return {pod, "shop/client", {"mesh", "address/10.0.0.1"}, {{"service/shop/web", version}}, {}, {}};
  }
  Live Judge() const { return JudgeLive(verdict_, view_, reports_); }

  compile::Verdict verdict_;
  View view_;
  std::vector<ReplicaReport> reports_;
};

TEST_F(LiveTest, IsLiveWhenAllRunIt) { EXPECT_EQ(Judge(), (Live{true, "Live", "2/2"})); }

TEST_F(LiveTest, WaitsForTheSidecarWithAnOlderVersion) {
  reports_[1].sidecars[0].held["service/shop/web"] = "old";
  EXPECT_EQ(Judge(), (Live{false, "Pending", "1/2, pod shop/b: still runs an older version"}));
}

TEST_F(LiveTest, WaitsForTheAnswerOfASidecarThatIsJustBeingToldForTheFirstTime) {
  reports_[1].sidecars[0].held.clear();
  EXPECT_TRUE(Judge().live) << "it does not use the Service at all";
  reports_[1].sidecars[0].in_flight["service/shop/web"] = "old";
  EXPECT_EQ(Judge().message, "1/2, pod shop/b: has not answered yet");
}

TEST_F(LiveTest, NamesARejection) {
  reports_[0].sidecars[0].rejected["service/shop/web"] = "port 80: no rules";
  EXPECT_EQ(Judge(),
            (Live{false, "Rejected", "1/2, pod shop/a: rejected service/shop/web: port 80: no rules"}));
}

TEST_F(LiveTest, WaitsForPodsThatShouldBeConnected) {
  view_.pods.push_back({"shop/c", "shop/client", true});
  EXPECT_EQ(Judge().message, "2/3, pod shop/c: not connected");
  view_.pods.back().expected = false;
  EXPECT_TRUE(Judge().live);
}

TEST_F(LiveTest, WaitsForEveryReplica) {
  reports_[1].generations["Split shop/web"] = 1;
  EXPECT_EQ(Judge().message, "operator replica op-2 has not compiled generation 2");
  reports_.pop_back();
  EXPECT_EQ(Judge().message, "operator replica op-2 does not answer");
  view_.replicas[1].ready = false;
  EXPECT_EQ(Judge().message, "1/2, pod shop/b: not connected");
}

TEST_F(LiveTest, WhatIsNotInForceIsNotLive) {
  verdict_.in_force = verdict_.accepted = false;
  verdict_.accepted_message = "spec.service: is required";
  EXPECT_EQ(Judge(), (Live{false, "NotInForce", "not accepted: spec.service: is required"}));
}

TEST_F(LiveTest, ConditionsCarryTheirGenerationAndKeepTheirTransitionTimes) {
  const auto first = Changed({}, Conditions(verdict_, Judge()), "t1");
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->size(), 3u);
  EXPECT_EQ((*first)[2].observed_generation, 2);
  EXPECT_EQ((*first)[2].last_transition_time, "t1");
  EXPECT_EQ(Changed(*first, Conditions(verdict_, Judge()), "t2"), std::nullopt);
  verdict_.meta.generation = 3;
  const auto next = Changed(*first, Conditions(verdict_, {true, "Live", "3/3"}), "t2");
  EXPECT_EQ((*next)[2].last_transition_time, "t1") << "it was and is True";
  const auto unseen = Changed(*next, Unseen(verdict_.meta), "t3");
  EXPECT_EQ((*unseen)[2].status, "False");
  EXPECT_EQ((*unseen)[2].last_transition_time, "t3");
}

TEST_F(LiveTest, AConfigMapHoldsWhatTheWorkloadsSidecarsUse) {
  auto documents = WantedDocuments(view_, reports_);
  ASSERT_TRUE(documents.contains("shop/client"));
  std::vector<std::string> names;
  for (const auto& resource : documents["shop/client"]) names.push_back(resource.name);
  EXPECT_EQ(names, (std::vector<std::string>{"address/10.0.0.1", "mesh", "service/shop/web",
                                             "workload/shop/client"}));
  EXPECT_EQ(ConfigMapName("shop/client"), "tulle-config-client");
}

TEST_F(LiveTest, AConfigMapIsLeftAloneWhileASidecarIsAway) {
  reports_.pop_back();
  EXPECT_TRUE(WantedDocuments(view_, reports_).empty());
  view_.pods[1].expected = false;
  EXPECT_EQ(WantedDocuments(view_, reports_).size(), 1u);
}

TEST_F(LiveTest, AConfigMapIsNeverMadeForAWorkloadThatNobodyRuns) {
  reports_[0].sidecars[0].workload = "shop/other";
  EXPECT_FALSE(WantedDocuments(view_, reports_).contains("shop/other"));
}

}  // namespace
}  // namespace tulle::control::status
