#include "lib/kube/lease.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "lib/kube/fake/api_server.h"

namespace tulle::kube {
namespace {

using std::chrono::seconds;
using Clock = LeaderElection::Clock;

class LeaseTest : public testing::Test {
 protected:
  LeaderElection Candidate(const std::string& identity) {
    return LeaderElection(client_, {.ns = "tulle-system", .name = "op", .identity = identity}, {});
  }
  std::string Holder() {
    return server_.Get(
        "/apis/coordination.k8s.io/v1/namespaces/tulle-system/leases/op")["spec"]["holderIdentity"];
  }

  fake::ApiServer server_;
  Client client_{{.server = server_.url()}};
  const Clock::time_point start_ = Clock::now();
};

TEST_F(LeaseTest, TheFirstOneLeadsAndTheSecondWaits) {
  LeaderElection a = Candidate("a"), b = Candidate("b");
  a.Step(start_);
  b.Step(start_);
  EXPECT_TRUE(a.leading());
  EXPECT_FALSE(b.leading());
  EXPECT_EQ(Holder(), "a");
}

TEST_F(LeaseTest, AnotherTakesOverOnlyWhenTheLeaseStoodStillForItsWholeTime) {
  LeaderElection a = Candidate("a"), b = Candidate("b");
  a.Step(start_);
  b.Step(start_);
  b.Step(start_ + seconds(10));
  a.Step(start_ + seconds(11));  // renewed: the time of b begins anew
  b.Step(start_ + seconds(12));
  b.Step(start_ + seconds(26));
  EXPECT_FALSE(b.leading());
  b.Step(start_ + seconds(28));
  EXPECT_TRUE(b.leading());
  EXPECT_EQ(Holder(), "b");
  a.Step(start_ + seconds(29));
  EXPECT_FALSE(a.leading());
}

TEST_F(LeaseTest, ALeaderThatCannotRenewGivesUpBeforeOthersMayTakeOver) {
  LeaderElection a = Candidate("a");
  a.Step(start_);
  EXPECT_TRUE(a.leading());
  server_.FailNext(100, 500);
  a.Step(Clock::now());
  EXPECT_TRUE(a.leading());
  // As if the last time that it could renew had been longer ago than its deadline, which is ten seconds.
  server_.FailNext(0, 0);
  a.Step(start_ - seconds(11));
  EXPECT_TRUE(a.leading());
  server_.FailNext(100, 500);
  a.Step(Clock::now());
  EXPECT_FALSE(a.leading());
}

TEST_F(LeaseTest, ItIsGivenBackAtTheEnd) {
  LeaderElection a = Candidate("a"), b = Candidate("b");
  std::jthread thread([&](std::stop_token stop) { a.Run(stop); });
  while (!a.leading()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  thread.request_stop();
  thread.join();
  EXPECT_EQ(Holder(), "");
  b.Step(start_);
  EXPECT_TRUE(b.leading());
}

}  // namespace
}  // namespace tulle::kube
