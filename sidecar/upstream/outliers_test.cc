#include "sidecar/upstream/outliers.h"

#include <gtest/gtest.h>

#include <random>

#include "sidecar/upstream/cluster.h"

namespace tulle::sidecar::upstream {
namespace {

using protect::Cause;
using protect::Result;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Some endpoints of one Service, called without pause: time and chance are numbers.
struct Callers {
  explicit Callers(int endpoints) {
    config::EndpointSet set{"shop/web", {}};
    for (int i = 1; i <= endpoints; ++i) {
      const auto address = *io::SocketAddress::Parse("10.1.0." + std::to_string(i), 0);
      set.endpoints.push_back({address, "shop/p", "spiffe://d/ns/a/sa/b", {{80, 8080}}});
    }
    snapshot.endpoints["endpoints/shop/web"] = std::make_shared<const config::EndpointSet>(std::move(set));
    cluster = clusters.Get(snapshot, "endpoints/shop/web", 80);
    Tried tried;
    for (int i = 0; i < endpoints; ++i) {
      all.push_back(cluster->Pick(meshconfig::LoadBalancing::kRoundRobin, tried, now, 0));
      tried.Add(all.back().get());
    }
  }

  // Calls for `time`, a thousand times a second; how many of them failed, by what `fails` says of a host.
  template <class Fails>
  int Call(io::Duration time, Fails fails) {
    int failed = 0;
    for (const io::TimePoint end = now + time; now < end; now += milliseconds(1)) {
      const auto host = cluster->Pick(meshconfig::LoadBalancing::kLeastRequest, {}, now, random());
      const InFlight in_flight(host, now);
      const bool fail = fails(*host);
      failed += fail;
      cluster->Report(*host, fail ? Result::kGatewayError : Result::kSuccess, policy, now,
                      static_cast<uint32_t>(random()));
    }
    return failed;
  }
  size_t Ejected() const {
    size_t ejected = 0;
    for (const auto& host : all) ejected += host->standing().ejected();
    return ejected;
  }

  io::TimePoint now = io::Clock::now();
  std::mt19937_64 random{7};
  meshconfig::OutlierDetection policy;
  config::Snapshot snapshot;
  Hosts hosts;
  Clusters clusters{hosts, *io::SocketAddress::Parse("10.1.0.99", 0)};
  std::shared_ptr<Cluster> cluster;
  std::vector<std::shared_ptr<Host>> all;
};

TEST(Outliers, OneOfTenThatFailsHalfOfItsRequestsIsNotNoticedForLong) {
  Callers callers(10);
  const auto half = [&](const Host& host) {
    return &host == callers.all[3].get() && callers.random() % 2 == 0;
  };
  const int at_first = callers.Call(seconds(5), half);
  EXPECT_LE(at_first, 30);
  const int later = callers.Call(seconds(60), half);
  EXPECT_LE(later, 60);  // of 60,000: 99.9 %
  EXPECT_TRUE(callers.all[3]->standing().ejected() || later > 0);
}

TEST(Outliers, AnEndpointThatIsWellAgainHasItsShareAgain) {
  Callers callers(3);
  const Host& bad = *callers.all[0];
  callers.Call(seconds(1), [&](const Host& host) { return &host == &bad; });
  EXPECT_TRUE(bad.standing().ejected());
  EXPECT_EQ(callers.Call(seconds(7), [](const Host&) { return false; }), 0);
  int its_own = 0;
  callers.Call(seconds(3), [&](const Host& host) { return its_own += &host == &bad, false; });
  EXPECT_NEAR(its_own, 1000, 150);
}

TEST(Outliers, WhereAllFailMostGoOnBeingAsked) {
  Callers callers(10);
  callers.Call(seconds(3), [](const Host&) { return true; });
  EXPECT_EQ(callers.Ejected(), 5u);
  Callers alone(1);
  alone.Call(seconds(3), [](const Host&) { return true; });
  EXPECT_EQ(alone.Ejected(), 0u);
}

TEST(Outliers, FailuresThatAreEverywhereEjectNobody) {
  Callers callers(10);
  callers.Call(seconds(60), [&](const Host&) { return callers.random() % 10 == 0; });
  EXPECT_EQ(callers.Ejected(), 0u);
}

TEST(Outliers, InShadowModeNobodyIsEjectedAndEverythingIsSaid) {
  Callers callers(2);
  callers.policy.mode = meshconfig::Mode::kShadow;
  Verdict verdict;
  for (int i = 0; i < 5; ++i) {
    verdict = callers.cluster->Report(*callers.all[0], Result::kServerError, callers.policy, callers.now, 0);
  }
  EXPECT_EQ(verdict.cause, Cause::kConsecutive5xx);
  EXPECT_FALSE(verdict.ejected);
  EXPECT_FALSE(callers.all[0]->standing().avoided(callers.now));
}

}  // namespace
}  // namespace tulle::sidecar::upstream
