#include "lib/kube/watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "lib/kube/fake/api_server.h"

namespace tulle::kube {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

// What a watch has told so far.
class Recorder : public WatchHandler {
 public:
  void OnPut(const std::string& key, const json& object) override {
    const std::lock_guard lock(mutex_);
    objects_[key] = object.value("value", 0);
    ++puts_;
    changed_.notify_all();
  }
  void OnDelete(const std::string& key) override {
    const std::lock_guard lock(mutex_);
    objects_.erase(key);
    changed_.notify_all();
  }
  void OnSynced() override {
    const std::lock_guard lock(mutex_);
    ++synced_;
    changed_.notify_all();
  }
  void OnTrouble(const std::string&) override {
    const std::lock_guard lock(mutex_);
    ++troubles_;
    changed_.notify_all();
  }

  template <class Condition>
  bool Wait(Condition condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return condition(*this); });
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, int> objects_;
  int puts_ = 0, synced_ = 0, troubles_ = 0;
};

class WatchTest : public testing::Test {
 protected:
  void Put(const std::string& name, int value) {
    server_.Put("/api/v1/namespaces/shop/pods/" + name,
                {{"metadata", {{"namespace", "shop"}, {"name", name}}}, {"value", value}});
  }
  void Start(bool may_be_missing = false) {
    Watch::Options options;
    options.page = 2;
    options.may_be_missing = may_be_missing;
    options.missing_pause = milliseconds(20);
    options.first_pause = milliseconds(20);
    watch_ = std::make_unique<Watch>(client_, Collection{"v1", "pods"}, recorder_, options);
    thread_ = std::jthread([this](std::stop_token stop) { watch_->Run(stop); });
  }
  bool Has(const std::string& key, int value) {
    return recorder_.Wait([&](Recorder& r) { return r.objects_.contains(key) && r.objects_[key] == value; });
  }
  bool HasNot(const std::string& key) {
    return recorder_.Wait([&](Recorder& r) { return !r.objects_.contains(key); });
  }
  size_t Requests(const std::string& request) {
    const auto all = server_.requests();
    return static_cast<size_t>(std::count(all.begin(), all.end(), request));
  }

  fake::ApiServer server_;
  Client client_{{.server = server_.url()}};
  Recorder recorder_;
  std::unique_ptr<Watch> watch_;
  std::jthread thread_;
};

TEST_F(WatchTest, ListsInPagesThenFollows) {
  for (int i = 0; i < 5; ++i) Put("p" + std::to_string(i), i);
  Start();
  EXPECT_TRUE(recorder_.Wait([](Recorder& r) { return r.synced_ == 1 && r.objects_.size() == 5; }));
  EXPECT_EQ(Requests("GET /api/v1/pods"), 3u);
  Put("p1", 10);
  EXPECT_TRUE(Has("shop/p1", 10));
  server_.Remove("/api/v1/namespaces/shop/pods/p2");
  EXPECT_TRUE(HasNot("shop/p2"));
}

TEST_F(WatchTest, GoesOnWhereItStoppedAfterABrokenConnection) {
  Put("p", 1);
  Start();
  EXPECT_TRUE(Has("shop/p", 1));
  Put("p", 2);
  EXPECT_TRUE(Has("shop/p", 2));
  server_.DropWatches();
  Put("p", 3);
  EXPECT_TRUE(Has("shop/p", 3));
  EXPECT_EQ(Requests("GET /api/v1/pods"), 1u) << "no second list";
}

TEST_F(WatchTest, ListsAnewAfterGoneAndDeletesWhatIsMissing) {
  Put("stays", 1);
  Put("goes", 1);
  Start();
  EXPECT_TRUE(recorder_.Wait([](Recorder& r) { return r.synced_ == 1; }));
  server_.FailNext(1, 500);  // keeps the watch away for a moment
  server_.DropWatches();
  server_.Remove("/api/v1/namespaces/shop/pods/goes");
  server_.Forget();
  EXPECT_TRUE(HasNot("shop/goes"));
  EXPECT_TRUE(recorder_.Wait([](Recorder& r) { return r.synced_ == 2; }));
  EXPECT_TRUE(Has("shop/stays", 1));
}

TEST_F(WatchTest, ABookmarkMovesTheVersionForward) {
  Put("p", 1);
  Start();
  EXPECT_TRUE(recorder_.Wait([](Recorder& r) { return r.synced_ == 1; }));
  while (Requests("WATCH /api/v1/pods") == 0) std::this_thread::sleep_for(milliseconds(5));
  std::this_thread::sleep_for(milliseconds(50));  // the fake's watch begins to listen
  server_.Bookmark();
  std::this_thread::sleep_for(milliseconds(100));
  server_.DropWatches();
  Put("p", 2);
  EXPECT_TRUE(Has("shop/p", 2));
  EXPECT_EQ(Requests("GET /api/v1/pods"), 1u);
}

TEST_F(WatchTest, SurvivesGarbageAndErrors) {
  Put("p", 1);
  Start();
  EXPECT_TRUE(recorder_.Wait([](Recorder& r) { return r.synced_ == 1; }));
  for (const char* line : {"garbage", "{}", "[]", R"({"type":"ADDED","object":7})",
                           R"({"type":"ADDED","object":{"metadata":[]}})",
                           R"({"type":"ERROR","object":{"code":500}})", R"({"type":7,"object":{}})"}) {
    std::this_thread::sleep_for(milliseconds(60));
    server_.Say(line);
  }
  Put("p", 2);
  EXPECT_TRUE(Has("shop/p", 2));
  EXPECT_EQ(recorder_.objects_.size(), 1u);
}

TEST_F(WatchTest, AnErrorEventOf410ListsAnew) {
  Put("p", 1);
  Start();
  while (Requests("WATCH /api/v1/pods") == 0) std::this_thread::sleep_for(milliseconds(5));
  std::this_thread::sleep_for(milliseconds(50));
  server_.Say(R"({"type":"ERROR","object":{"kind":"Status","code":410}})");
  EXPECT_TRUE(recorder_.Wait([](Recorder& r) { return r.synced_ == 2; }));
}

TEST_F(WatchTest, RetriesUntilTheServerIsBack) {
  server_.FailNext(4, 503);
  Put("p", 1);
  Start();
  EXPECT_TRUE(Has("shop/p", 1));
  EXPECT_GE(recorder_.troubles_, 4);
}

TEST_F(WatchTest, ACollectionThatMayBeMissingIsEmptyUntilItIsThere) {
  server_.FailNext(3, 404);
  Put("p", 1);
  Start(true);
  EXPECT_TRUE(recorder_.Wait([](Recorder& r) { return r.synced_ >= 1; }));
  EXPECT_TRUE(Has("shop/p", 1));
  EXPECT_EQ(recorder_.troubles_, 0);
}

TEST_F(WatchTest, ACollectionThatGoesTakesItsObjectsWithIt) {
  Put("p", 1);
  Start(true);
  EXPECT_TRUE(Has("shop/p", 1));
  server_.FailNext(1000, 404);
  server_.DropWatches();
  EXPECT_TRUE(HasNot("shop/p"));
  server_.FailNext(0, 404);
  EXPECT_TRUE(Has("shop/p", 1));
}

TEST_F(WatchTest, ACollectionThatMustBeThereIsMissed) {
  server_.FailNext(2, 404);
  Put("p", 1);
  Start();
  EXPECT_TRUE(Has("shop/p", 1));
  EXPECT_GE(recorder_.troubles_, 2);
}

TEST_F(WatchTest, StopsAtOnce) {
  Put("p", 1);
  Start();
  EXPECT_TRUE(Has("shop/p", 1));
  const auto began = std::chrono::steady_clock::now();
  thread_.request_stop();
  thread_.join();
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(1));
}

}  // namespace
}  // namespace tulle::kube
