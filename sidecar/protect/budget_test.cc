#include "sidecar/protect/budget.h"

#include <gtest/gtest.h>

namespace tulle::sidecar::protect {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Fixture {
  // Retries that are granted when as many are asked for.
  int Ask(int retries) {
    int granted = 0;
    while (retries-- > 0) granted += budget.Withdraw(policy, now);
    return granted;
  }
  void Serve(int requests) {
    while (requests-- > 0) budget.Deposit(now);
  }

  meshconfig::RetryBudget policy;
  TimePoint now = TimePoint() + std::chrono::hours(1);
  Budget budget;
};

TEST(Budget, AFewRetriesPerSecondAreAlwaysPaidFor) {
  Fixture service;
  EXPECT_EQ(service.Ask(100), 30);
  service.now += seconds(10);
  EXPECT_EQ(service.Ask(100), 30);
}

TEST(Budget, AFifthOfTheRequestsOfTenSecondsMayBeRepeated) {
  Fixture service;
  service.policy.minimum_per_second = 0;
  service.Serve(500);
  service.now += seconds(5);
  service.Serve(500);
  EXPECT_EQ(service.Ask(1000), 200);
  service.now += seconds(5);  // the first five hundred are gone, what was spent is not
  EXPECT_EQ(service.Ask(1000), 0);
  service.now += seconds(5);
  EXPECT_EQ(service.Ask(1000), 0);
}

TEST(Budget, WhereEverythingFailsTheLoadGrowsByAFifth) {
  Fixture service;
  int sent = 0;
  for (int i = 0; i < 60000; ++i, service.now += milliseconds(1)) {
    service.Serve(1);
    sent += 1 + service.Ask(2);
  }
  EXPECT_LE(sent, 60000 * 1.2 + 60 * 3);
  EXPECT_GE(sent, 60000 * 1.15);
}

TEST(Budget, NoBudgetIsNoRetry) {
  Fixture service;
  service.policy = {.percent = 0, .minimum_per_second = 0};
  service.Serve(1000);
  EXPECT_EQ(service.Ask(10), 0);
}

}  // namespace
}  // namespace tulle::sidecar::protect
