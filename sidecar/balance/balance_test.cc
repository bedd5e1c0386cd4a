#include "sidecar/balance/balance.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

namespace tulle::sidecar::balance {
namespace {

using meshconfig::LoadBalancing;

// How often each endpoint is picked of `times`.
std::map<size_t, int> Count(LoadBalancing policy, const std::vector<Load>& loads, int times) {
  std::map<size_t, int> counts;
  std::mt19937_64 random(1);
  Cursor cursor;
  for (int i = 0; i < times; ++i) ++counts[*Pick(policy, loads, cursor, random())];
  return counts;
}

constexpr Load kAvoided{.active = 0, .avoid = true};

TEST(Balance, NothingIsPickedOfNothing) {
  Cursor cursor;
  EXPECT_EQ(Pick(LoadBalancing::kLeastRequest, {}, cursor, 1), std::nullopt);
  EXPECT_EQ(Pick(LoadBalancing::kRoundRobin, {}, cursor, 1), std::nullopt);
}

TEST(Balance, TheOnlyEndpointIsPickedEvenIfItIsToBeAvoided) {
  for (const auto policy : {LoadBalancing::kLeastRequest, LoadBalancing::kRoundRobin}) {
    EXPECT_EQ(Count(policy, {{}}, 5)[0], 5);
    EXPECT_EQ(Count(policy, {kAvoided}, 5)[0], 5);
  }
}

TEST(Balance, AvoidedEndpointsAreTakenOnlyWhenThereAreNoOthers) {
  for (const auto policy : {LoadBalancing::kLeastRequest, LoadBalancing::kRoundRobin}) {
    auto counts = Count(policy, {kAvoided, {.active = 100}, kAvoided, {.active = 100}}, 1000);
    EXPECT_EQ(counts[0] + counts[2], 0);
    EXPECT_GT(counts[1], 400);
    EXPECT_GT(counts[3], 400);
    EXPECT_EQ(Count(policy, {kAvoided, kAvoided}, 100).size(), 2u);
  }
}

TEST(RoundRobin, EveryEndpointHasItsTurn) {
  Cursor cursor{.next = 7};
  const std::vector<Load> loads(4);
  std::vector<size_t> picks;
  for (int i = 0; i < 8; ++i) picks.push_back(*Pick(LoadBalancing::kRoundRobin, loads, cursor, 99));
  EXPECT_EQ(picks, (std::vector<size_t>{3, 0, 1, 2, 3, 0, 1, 2}));
}

TEST(LeastRequest, EqualLoadsAreSpreadEvenly) {
  for (const auto& [index, count] : Count(LoadBalancing::kLeastRequest, std::vector<Load>(10), 100000))
    EXPECT_NEAR(count, 10000, 400) << index;
}

TEST(LeastRequest, OfTwoTheLessLoadedIsAlwaysPicked) {
  EXPECT_EQ(Count(LoadBalancing::kLeastRequest, {{.active = 5}, {.active = 4}}, 1000)[1], 1000);
}

TEST(LeastRequest, TheMostLoadedIsNeverPickedAndTheLeastLoadedAsOftenAsItIsDrawn) {
  auto counts = Count(LoadBalancing::kLeastRequest,
                      {{.active = 1}, {.active = 2}, {.active = 3}, {.active = 9}}, 60000);
  EXPECT_EQ(counts[3], 0);
  EXPECT_NEAR(counts[0], 30000, 700);  // it is in half of all pairs
  EXPECT_NEAR(counts[2], 10000, 500);
}

TEST(LeastRequest, EveryRandomNumberNamesAnEndpoint) {
  Cursor cursor;
  for (const uint64_t random : {uint64_t{0}, UINT64_MAX, uint64_t{UINT32_MAX}, ~uint64_t{UINT32_MAX}})
    for (size_t size = 1; size < 5; ++size)
      EXPECT_LT(*Pick(LoadBalancing::kLeastRequest, std::vector<Load>(size), cursor, random), size);
}

}  // namespace
}  // namespace tulle::sidecar::balance
