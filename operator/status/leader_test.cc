#include "operator/status/leader.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "lib/kube/fake/api_server.h"

namespace tulle::control::status {
namespace {

using nlohmann::json;

constexpr const char* kPath = "/apis/tulle.dev/v1alpha1/namespaces/shop/splits/split-1";

class LeaderTest : public testing::Test {
 protected:
  LeaderTest() {
    server_.Put(kPath, {{"metadata", {{"name", "split-1"}, {"namespace", "shop"}, {"generation", 1}}}});
    server_.Put("/api/v1/namespaces/ns-1", {{"metadata", {{"name", "ns-1"}, {"uid", "u"}}}});
    meta_ = {.kind = model::CustomKind::kSplit, .ns = "shop", .name = "split-1", .uid = "1", .created = ""};
  }

  View MakeView(int64_t generation, const std::string& version) {
    auto compiled = std::make_shared<compile::Compiled>();
    compiled->entries["service/shop/web"].resource = {"service/shop/web", version, "{}"};
    compile::Verdict verdict;
    verdict.meta = meta_;
    verdict.meta.generation = generation;
    verdict.accepted_reason = verdict.resolved_reason = "Fine";
    verdict.shaped = {"service/shop/web"};
    compiled->verdicts = {verdict};
    View view;
    view.compiled = compiled;
    view.customs[meta_.Text()] = verdict.meta;
    return view;
  }
  void Report(int64_t generation, const std::string& version) {
    const std::lock_guard lock(mutex_);
    report_ = {"op-1", {{meta_.Text(), generation}}, {}};
    report_.sidecars.push_back({"shop/a", "shop/client", {}, {{"service/shop/web", version}}, {}, {}});
  }
  // "status reason observedGeneration" of the Live condition, once it is `wanted`, or whatever it is after 5
  // s.
  std::string LiveIs(const std::string& wanted) {
    std::string text;
    for (int i = 0; i < 500; ++i) {
      const json object = server_.Get(kPath);
      for (const json& c : object.value("/status/conditions"_json_pointer, json::array())) {
        if (c["type"] != "Live") continue;
        text = c["status"].get<std::string>() + " " + c["reason"].get<std::string>() + " " +
               std::to_string(c["observedGeneration"].get<int>());
      }
      if (text == wanted) return text;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return text;
  }

  kube::fake::ApiServer server_;
  kube::Client client_{{.server = server_.url()}};
  telemetry::Registry metrics_;
  Peers peers_{"ns-1", 15010};
  ConfigMapWriter config_maps_{client_, "ns-1", metrics_};
  model::Meta meta_;
  std::mutex mutex_;
  distribute::ReplicaReport report_;
  std::atomic<bool> leading_ = true;
  Leader leader_{client_,
                 peers_,
                 config_maps_,
                 {[this] { return leading_.load(); },
                  [this] {
                    const std::lock_guard lock(mutex_);
                    return report_;
                  },
                  "op-1"},
                 metrics_};
};

TEST_F(LeaderTest, LiveFollowsWhatTheSidecarsRun) {
  Report(1, "old");
  leader_.SetView(MakeView(1, "v1"));
  leader_.Start();
  EXPECT_EQ(LiveIs("False Pending 1"), "False Pending 1");
  Report(1, "v1");
  EXPECT_EQ(LiveIs("True Live 1"), "True Live 1");
}

TEST_F(LeaderTest, ANewGenerationWithdrawsTheOldTrueBeforeAnythingElse) {
  Report(1, "v1");
  leader_.SetView(MakeView(1, "v1"));
  leader_.Start();
  EXPECT_EQ(LiveIs("True Live 1"), "True Live 1");
  meta_.generation = 2;
  leader_.Announce(meta_);  // nothing was compiled yet
  EXPECT_EQ(LiveIs("False Pending 2"), "False Pending 2");
  Report(2, "v1");
  leader_.SetView(MakeView(2, "v2"));
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_EQ(LiveIs("False Pending 2"), "False Pending 2");
  Report(2, "v2");
  EXPECT_EQ(LiveIs("True Live 2"), "True Live 2");
}

TEST_F(LeaderTest, NothingIsWrittenWhenNothingChangedOrSomebodyElseLeads) {
  leading_ = false;
  Report(1, "v1");
  leader_.SetView(MakeView(1, "v1"));
  leader_.Start();
  leader_.Announce(meta_);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_EQ(LiveIs(""), "");
  leading_ = true;
  leader_.Wake();
  EXPECT_EQ(LiveIs("True Live 1"), "True Live 1");
  const size_t requests = server_.requests().size();
  for (int i = 0; i < 5; ++i) {
    leader_.Wake();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_EQ(server_.requests().size(), requests);
}

TEST_F(LeaderTest, ARoutesPartOfTheStatusIsWrittenOnce) {
  const std::string path = "/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes/web";
  server_.Put(path, {{"metadata", {{"name", "web"}, {"namespace", "shop"}, {"generation", 1}}}});
  meta_ = {.kind = model::CustomKind::kHttpRoute, .ns = "shop", .name = "web", .uid = "1", .created = ""};
  Report(1, "v1");
  View view = MakeView(1, "v1");
  view.customs.clear();
  view.routes[meta_.Text()] = {meta_, {}, "7"};
  auto compiled = std::make_shared<compile::Compiled>(*view.compiled);
  compiled->verdicts[0].parent.emplace().name = "web";
  view.compiled = compiled;
  leader_.SetView(view);
  leader_.Start();
  const auto at = "/status/parents/0"_json_pointer;
  for (int i = 0; i < 500 && !server_.Get(path).contains(at); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ASSERT_TRUE(server_.Get(path).contains(at));
  const json parent = server_.Get(path).at(at);
  EXPECT_EQ(parent["parentRef"]["name"], "web");
  std::vector<std::string> types;
  for (const json& condition : parent["conditions"]) types.push_back(condition["type"]);
  EXPECT_EQ(types, (std::vector<std::string>{"Accepted", "ResolvedRefs", "Live"}));
  // The view does not show it yet.
  const size_t requests = server_.requests().size();
  leader_.Wake();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(server_.requests().size(), requests);
}

TEST_F(LeaderTest, AFailedWriteIsTriedAgain) {
  server_.FailNext(2, 500);
  Report(1, "v1");
  leader_.SetView(MakeView(1, "v1"));
  leader_.Start();
  EXPECT_EQ(LiveIs("True Live 1"), "True Live 1");
}

}  // namespace
}  // namespace tulle::control::status
