#include "sidecar/protect/gradient.h"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <random>

namespace tulle::sidecar::protect {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

// An app of `servers` that each work for ten milliseconds on a request, give or take; those who find all of
// them busy stand in a queue. Whoever waits for longer than `patience` has left when the answer comes.
struct App {
  static constexpr Duration kWork = milliseconds(10);
  static constexpr Duration kPatience = milliseconds(100);
  struct Request {
    Priority priority;
    TimePoint arrived;
  };

  // Requests arrive for `time`, `per_second` of them; `share_low` of them are of the low class, a tenth of
  // the high one.
  void Run(Duration time, int per_second, double share_low = 0) {
    const Duration step = Duration(seconds(1)) / per_second;
    for (const TimePoint end = now + time; now < end; now += step) {
      while (!busy.empty() && busy.begin()->first <= now) Finish();
      const double chance = std::uniform_real_distribution<>(0, 1)(random);
      const Priority priority = chance < share_low         ? Priority::kLow
                                : chance < share_low + 0.1 ? Priority::kHigh
                                                           : Priority::kNormal;
      ++asked[static_cast<size_t>(priority)];
      if (limited && !limiter.Begin(priority, now)) continue;
      waiting.push_back({priority, now});
      Work(now);
    }
  }
  void Work(TimePoint at) {
    while (busy.size() < servers && !waiting.empty()) {
      const auto work =
          std::chrono::duration_cast<Duration>(kWork * std::uniform_real_distribution<>(0.5, 1.5)(random));
      busy.emplace(at + work, waiting.front());
      waiting.pop_front();
    }
  }
  void Finish() {
    const auto [at, request] = *busy.begin();
    busy.erase(busy.begin());
    const Duration took = at - request.arrived;
    if (took <= kPatience) ++good[static_cast<size_t>(request.priority)];
    if (limited) limiter.End(took, at);
    Work(at);
  }
  void Forget() {
    std::fill(std::begin(good), std::end(good), 0);
    std::fill(std::begin(asked), std::end(asked), 0);
  }
  int all_good() const { return good[0] + good[1] + good[2]; }

  size_t servers = 10;
  bool limited = true;
  TimePoint now = TimePoint() + std::chrono::hours(1);
  std::mt19937 random{5};
  Gradient limiter{meshconfig::Concurrency{}};
  std::deque<Request> waiting;
  std::multimap<TimePoint, Request> busy;  // by when they are done
  int good[3] = {}, asked[3] = {};
};

constexpr int kCapacity = 1000;  // requests per second of ten servers

TEST(Gradient, ThreeTimesTheLoadKeepsNineTenthsOfTheGoodput) {
  App app;
  app.Run(seconds(5), 3 * kCapacity);
  app.Forget();
  app.Run(seconds(60), 3 * kCapacity);
  EXPECT_GE(app.all_good(), 60 * kCapacity * 9 / 10);
  App unlimited;
  unlimited.limited = false;
  unlimited.Run(seconds(60), 3 * kCapacity);
  EXPECT_LE(unlimited.all_good(), 60 * kCapacity / 10);
}

TEST(Gradient, ALoadThatTheAppCarriesIsNotRefused) {
  App app;
  app.Run(seconds(60), kCapacity * 7 / 10);
  EXPECT_GE(app.all_good(), 60 * kCapacity * 7 / 10 * 99 / 100);
}

TEST(Gradient, GrowsWithTheApp) {
  App app;
  app.Run(seconds(10), 6 * kCapacity);
  app.servers = 50;
  app.Run(seconds(30), 6 * kCapacity);
  app.Forget();
  app.Run(seconds(30), 6 * kCapacity);
  EXPECT_GE(app.all_good(), 30 * 5 * kCapacity * 85 / 100);
}

TEST(Gradient, TheLowClassIsRefusedFirst) {
  App app;
  app.Run(seconds(5), 2 * kCapacity, 0.6);
  app.Forget();
  app.Run(seconds(30), 2 * kCapacity, 0.6);  // 600 normal and 200 high per second, which the app carries
  EXPECT_GE(app.good[2], app.asked[2] * 99 / 100);
  EXPECT_GE(app.good[1], app.asked[1] * 95 / 100);
  EXPECT_LE(app.good[0], app.asked[0] / 2);
}

TEST(Gradient, AFewThatTakeForeverChangeLittle) {
  App app;
  app.Run(seconds(20), 3 * kCapacity);
  const int64_t before = app.limiter.limit();
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(app.limiter.Begin(Priority::kHigh, app.now) || app.limiter.in_flight() > 0);
    app.limiter.End(seconds(30), app.now);
    app.Run(milliseconds(200), 3 * kCapacity);
  }
  EXPECT_GE(app.limiter.limit() * 2, before);
}

TEST(PriorityOf, ReadsTheUrgency) {
  EXPECT_EQ(PriorityOf(""), Priority::kNormal);
  EXPECT_EQ(PriorityOf("u=3"), Priority::kNormal);
  EXPECT_EQ(PriorityOf("u=0"), Priority::kHigh);
  EXPECT_EQ(PriorityOf("i, u=1"), Priority::kHigh);
  EXPECT_EQ(PriorityOf("u=7, i"), Priority::kLow);
  EXPECT_EQ(PriorityOf("xu=0"), Priority::kNormal);
  EXPECT_EQ(PriorityOf("u="), Priority::kNormal);
}

}  // namespace
}  // namespace tulle::sidecar::protect
