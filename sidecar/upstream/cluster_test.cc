#include "sidecar/upstream/cluster.h"

#include <gtest/gtest.h>

#include <set>

namespace tulle::sidecar::upstream {
namespace {

constexpr auto kRoundRobin = meshconfig::LoadBalancing::kRoundRobin;
const io::SocketAddress kSelf = *io::SocketAddress::Parse("10.1.0.99", 0);

config::Endpoint At(const std::string& ip, const std::string& identity = "spiffe://d/ns/a/sa/b") {
  return {*io::SocketAddress::Parse(ip, 0), "shop/p", identity, {{80, 8080}}};
}

// A snapshot with these endpoints of one Service, and the cluster of it.
struct Fixture {
  void Set(std::vector<config::Endpoint> endpoints) {
    snapshot.endpoints["endpoints/shop/web"] =
        std::make_shared<const config::EndpointSet>(config::EndpointSet{"shop/web", std::move(endpoints)});
  }
  std::shared_ptr<Cluster> Get(uint16_t port = 80) {
    return clusters.Get(snapshot, "endpoints/shop/web", port);
  }
  std::shared_ptr<Host> Pick(const std::vector<const Host*>& tried_hosts = {}) {
    Tried tried;
    for (const Host* host : tried_hosts) tried.Add(host);
    return Get()->Pick(kRoundRobin, tried, now, 0);
  }
  std::set<std::string> Picks(int times) {
    std::set<std::string> picked;
    while (times-- > 0) picked.insert(Pick()->target().address.Text());
    return picked;
  }

  io::TimePoint now = io::Clock::now();
  config::Snapshot snapshot;
  Hosts hosts;
  Clusters clusters{hosts, kSelf};
};

TEST(Cluster, EndpointsAreCalledOnThePortThatStandsBehindTheService) {
  Fixture mesh;
  mesh.Set({At("10.1.0.1"), At("fd00::1")});
  EXPECT_EQ(mesh.Picks(4), (std::set<std::string>{"10.1.0.1:8080", "[fd00::1]:8080"}));
  EXPECT_EQ(mesh.Get(81)->Pick(kRoundRobin, {}, mesh.now, 0), nullptr);
}

TEST(Cluster, WithoutEndpointsThereIsNobody) {
  Fixture mesh;
  EXPECT_EQ(mesh.Pick(), nullptr);
  EXPECT_FALSE(mesh.Get()->HasUntried({}));
}

TEST(Cluster, TriedAndFailedHostsAreAvoidedWhileThereAreOthers) {
  Fixture mesh;
  mesh.Set({At("10.1.0.1"), At("10.1.0.2"), At("10.1.0.3")});
  const auto first = mesh.Pick();
  const auto second = mesh.Pick({first.get()});
  second->standing().Report(protect::Result::kLost, {}, mesh.now);
  for (int i = 0; i < 5; ++i) {
    const auto third = mesh.Pick({first.get()});
    EXPECT_TRUE(third != first && third != second);
  }
  Tried tried;
  tried.Add(first.get());
  EXPECT_TRUE(mesh.Get()->HasUntried(tried));
  mesh.now += protect::kRest;
  EXPECT_EQ(mesh.Picks(6).size(), 3u);
  second->standing().Report(protect::Result::kLost, {}, mesh.now);
  second->standing().Reached();
  EXPECT_FALSE(second->standing().avoided(mesh.now));
}

TEST(Cluster, HostsThatStayKeepTheirState) {
  Fixture mesh;
  mesh.Set({At("10.1.0.1")});
  const auto before = mesh.Pick();
  const InFlight busy(before, mesh.now);
  mesh.Set({At("10.1.0.1"), At("10.1.0.2")});
  EXPECT_EQ(mesh.Picks(4).size(), 2u);
  EXPECT_EQ(mesh.hosts.Get(before->target(), kPeerIdle), before);
  EXPECT_EQ(before->active(), 1u);
}

TEST(Cluster, AnotherIdentityAtTheSameAddressIsAnotherHost) {
  Fixture mesh;
  mesh.Set({At("10.1.0.1")});
  const auto before = mesh.Pick();
  mesh.Set({At("10.1.0.1", "spiffe://d/ns/a/sa/other")});
  const auto after = mesh.Pick();
  EXPECT_NE(before, after);
  EXPECT_EQ(after->target().identity, "spiffe://d/ns/a/sa/other");
}

TEST(Cluster, OurOwnAppIsCalledWithoutTls) {
  Fixture mesh;
  mesh.Set({At("10.1.0.99")});
  EXPECT_EQ(mesh.Pick()->target().identity, "");
}

TEST(Cluster, WhatTheSnapshotLostIsForgotten) {
  Fixture mesh;
  mesh.Set({At("10.1.0.1")});
  const auto held = mesh.Get();
  mesh.snapshot.endpoints.clear();
  mesh.clusters.Retain(mesh.snapshot);
  EXPECT_NE(held->Pick(kRoundRobin, {}, mesh.now, 0), nullptr);
  EXPECT_EQ(mesh.Pick(), nullptr);
}

TEST(InFlight, CountsForAsLongAsItLives) {
  const auto host = std::make_shared<Host>(Target{}, kPeerIdle);
  {
    InFlight one(host, {});
    const InFlight two(host, {});
    const InFlight moved(std::move(one));
    EXPECT_EQ(host->active(), 2u);
  }
  EXPECT_EQ(host->active(), 0u);
}

// A connection of a host, with its other end.
struct Wire {
  explicit Wire(io::Loop& loop) {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    peer = std::make_unique<io::Socket>(loop, ends[1]);
    connection = std::make_unique<Connection>();
    connection->stream = std::make_unique<io::PlainStream>(std::make_unique<io::Socket>(loop, ends[0]));
    char byte;
    connection->stream->TryRead({&byte, 1});  // as after an answer: nothing more to read
  }
  std::unique_ptr<io::Socket> peer;
  std::unique_ptr<Connection> connection;
};

void Turn(io::Loop& loop) {
  loop.Stop();
  loop.Run();
}

TEST(Host, TheConnectionUsedLastIsUsedAgain) {
  io::Loop loop;
  Host host(Target{}, kPeerIdle);
  Wire a(loop), b(loop);
  Turn(loop);
  const Connection* last = b.connection.get();
  host.PutIdle(std::move(a.connection), io::Clock::now());
  host.PutIdle(std::move(b.connection), io::Clock::now());
  const auto taken = host.TakeIdle(mux::Kind::kHttp1);
  EXPECT_EQ(taken.get(), last);
  EXPECT_TRUE(taken->reused);
  EXPECT_NE(host.TakeIdle(mux::Kind::kHttp1), nullptr);
  EXPECT_EQ(host.TakeIdle(mux::Kind::kHttp1), nullptr);
}

TEST(Host, AConnectionThatThePeerEndedOrSpokeOnIsNotUsed) {
  io::Loop loop;
  Host host(Target{}, kPeerIdle);
  Wire closed(loop), chatty(loop);
  Turn(loop);
  host.PutIdle(std::move(closed.connection), io::Clock::now());
  host.PutIdle(std::move(chatty.connection), io::Clock::now());
  closed.peer.reset();
  chatty.peer->TryWrite(std::string_view("HTTP/1.1 408 Too late\r\n\r\n"));
  Turn(loop);
  EXPECT_EQ(host.TakeIdle(mux::Kind::kHttp1), nullptr);
}

TEST(Hosts, SweepClosesWhatWasIdleForTooLongAndForgetsWhatNobodyHolds) {
  io::Loop loop;
  Hosts hosts;
  const io::TimePoint now = io::Clock::now();
  auto host = hosts.Get(Target{kSelf, ""}, kAppIdle);
  Wire old(loop), fresh(loop);
  Turn(loop);
  host->PutIdle(std::move(old.connection), now);
  host->PutIdle(std::move(fresh.connection), now + kAppIdle);
  hosts.Sweep(now + kAppIdle + std::chrono::milliseconds(1));
  EXPECT_NE(host->TakeIdle(mux::Kind::kHttp1), nullptr);
  EXPECT_EQ(host->TakeIdle(mux::Kind::kHttp1), nullptr);
  const std::weak_ptr<Host> gone = host;
  hosts.Sweep(now);
  EXPECT_EQ(hosts.Get(Target{kSelf, ""}, kAppIdle), host);
  host.reset();
  hosts.Sweep(now);
  EXPECT_TRUE(gone.expired());
}

}  // namespace
}  // namespace tulle::sidecar::upstream
