#include "sidecar/protect/usage.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace tulle::sidecar::protect {
namespace {

using meshconfig::Mode;

TEST(Held, BeyondTheLimitNothingIsHeld) {
  Count count;
  const Held one(count, 2, Mode::kEnforce);
  {
    const Held two(count, 2, Mode::kEnforce);
    const Held three(count, 2, Mode::kEnforce);
    EXPECT_FALSE(two.refused());
    EXPECT_TRUE(three.refused());
    EXPECT_EQ(count.value(), 2);
  }
  EXPECT_FALSE(Held(count, 2, Mode::kEnforce).refused());
  EXPECT_EQ(count.value(), 1);
}

TEST(Held, WithoutALimitAllAreCounted) {
  Count count;
  std::vector<Held> all;
  for (int i = 0; i < 100; ++i) all.emplace_back(count, std::nullopt, Mode::kEnforce);
  EXPECT_EQ(count.value(), 100);
  all.clear();
  EXPECT_EQ(count.value(), 0);
}

TEST(Held, AShadowSaysWhatItWouldHaveRefused) {
  Count count;
  const Held one(count, 0, Mode::kShadow);
  EXPECT_TRUE(one.over());
  EXPECT_FALSE(one.refused());
  EXPECT_EQ(count.value(), 1);
}

TEST(Held, WorkersTogetherStayWithinTheLimit) {
  Count count;
  std::atomic<int> held{0}, most{0};
  std::vector<std::thread> workers;
  for (int worker = 0; worker < 4; ++worker) {
    workers.emplace_back([&] {
      for (int i = 0; i < 10000; ++i) {
        const Held one(count, 3, Mode::kEnforce);
        if (one.refused()) continue;
        const int now = ++held;
        for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
        }
        --held;
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  EXPECT_LE(most, 3);
  EXPECT_EQ(count.value(), 0);
}

}  // namespace
}  // namespace tulle::sidecar::protect
