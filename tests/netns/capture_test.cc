// The rules of tulle-init, seen by real sockets, in both flavours and both IP versions:
//
//   peer namespace  10.9.0.1, fd09::1  ==veth==  10.9.0.2, fd09::2  pod namespace (tulle-init, listeners
//   15001, 15006)
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "tests/netns/namespace.h"
#include "tests/netns/sockets.h"

namespace tulle::netns {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::Optional;

constexpr uint32_t kProxyUid = 1337;

struct Case {
  std::string flavour;
  bool ipv6;
};

class CaptureTest : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    const std::string why_not = Namespace::WhyNot();
    if (!why_not.empty()) GTEST_SKIP() << why_not;
    pod_ = std::make_unique<Namespace>();
    peer_ = std::make_unique<Namespace>();
    pod_->Connect(*peer_, "eth0", "eth0");
    for (const std::string address : {"10.9.0.2/24", "fd09::2/64"}) pod_->AddAddress("eth0", address);
    for (const std::string address : {"10.9.0.1/24", "fd09::1/64"}) peer_->AddAddress("eth0", address);
  }

  bool ipv6() const { return GetParam().ipv6; }
  std::string PodAddress() const { return ipv6() ? "fd09::2" : "10.9.0.2"; }
  std::string PeerAddress() const { return ipv6() ? "fd09::1" : "10.9.0.1"; }

  std::unique_ptr<Listener> ListenIn(const Namespace& where, uint16_t port) const {
    std::unique_ptr<Listener> listener;
    where.Run([&] { listener = std::make_unique<Listener>(ipv6(), port); });
    return listener;
  }

  bool ConnectFrom(const Namespace& where, const std::string& address, uint16_t port,
                   uint32_t uid = 0) const {
    bool connected = false;
    where.Run([&] { connected = Connect(address, port, uid); });
    return connected;
  }

  CommandEnd ShellInPod(const std::string& command) const {
    CommandEnd end;
    pod_->Run([&] { end = Shell(command); });
    return end;
  }

  CommandEnd Init(const std::string& flags = "") const {
    return ShellInPod(std::string(TULLE_INIT) + " --flavour " + GetParam().flavour + " " + flags);
  }

  std::string SavedRules() const {
    const std::string program =
        std::string(ipv6() ? "ip6tables-" : "iptables-") + GetParam().flavour + "-save";
    return ShellInPod(program + " -t nat | grep -v '^#'").output;
  }

  std::unique_ptr<Namespace> pod_;
  std::unique_ptr<Namespace> peer_;
};

TEST_P(CaptureTest, SendsCallsToThePodToTheInboundPort) {
  ASSERT_EQ(Init().exit_status, 0);
  const auto sidecar = ListenIn(*pod_, 15006);
  EXPECT_TRUE(ConnectFrom(*peer_, PodAddress(), 8080));
  EXPECT_THAT(sidecar->NextOriginalDestination(), Optional(Print(PodAddress(), 8080)));
}

TEST_P(CaptureTest, SendsCallsOfTheAppToTheOutboundPort) {
  ASSERT_EQ(Init().exit_status, 0);
  const auto sidecar = ListenIn(*pod_, 15001);
  EXPECT_TRUE(ConnectFrom(*pod_, PeerAddress(), 80));
  EXPECT_THAT(sidecar->NextOriginalDestination(), Optional(Print(PeerAddress(), 80)));
}

TEST_P(CaptureTest, LeavesTheSidecarsOwnCallsAlone) {
  ASSERT_EQ(Init().exit_status, 0);
  const auto sidecar = ListenIn(*pod_, 15001);
  const auto server = ListenIn(*peer_, 80);
  EXPECT_TRUE(ConnectFrom(*pod_, PeerAddress(), 80, kProxyUid));
  EXPECT_EQ(sidecar->NextOriginalDestination(), std::nullopt);
  EXPECT_THAT(server->NextOriginalDestination(), Optional(Print(PeerAddress(), 80)));
}

TEST_P(CaptureTest, LetsTheSidecarReachItsAppOnThePodsAddress) {
  ASSERT_EQ(Init().exit_status, 0);
  const auto app = ListenIn(*pod_, 8080);
  EXPECT_TRUE(ConnectFrom(*pod_, PodAddress(), 8080, kProxyUid));
  EXPECT_NE(app->NextOriginalDestination(), std::nullopt);
}

TEST_P(CaptureTest, LeavesLoopbackAlone) {
  ASSERT_EQ(Init().exit_status, 0);
  const auto sidecar = ListenIn(*pod_, 15001);
  const auto app = ListenIn(*pod_, 8080);
  EXPECT_TRUE(ConnectFrom(*pod_, ipv6() ? "::1" : "127.0.0.1", 8080));
  EXPECT_EQ(sidecar->NextOriginalDestination(), std::nullopt);
  EXPECT_NE(app->NextOriginalDestination(), std::nullopt);
}

TEST_P(CaptureTest, LeavesReadinessAndExcludedInboundPortsAlone) {
  ASSERT_EQ(Init("--exclude-inbound-ports 9090").exit_status, 0);
  const auto sidecar = ListenIn(*pod_, 15006);
  for (const uint16_t port : {15020, 15021, 9090}) {
    const auto direct = ListenIn(*pod_, port);
    EXPECT_TRUE(ConnectFrom(*peer_, PodAddress(), port)) << port;
    EXPECT_NE(direct->NextOriginalDestination(), std::nullopt) << port;
  }
  EXPECT_EQ(sidecar->NextOriginalDestination(), std::nullopt);
}

TEST_P(CaptureTest, LeavesExcludedOutboundPortsAndRangesAlone) {
  ASSERT_EQ(Init("--exclude-outbound-ports 5432").exit_status, 0);
  const auto sidecar = ListenIn(*pod_, 15001);
  const auto database = ListenIn(*peer_, 5432);
  EXPECT_TRUE(ConnectFrom(*pod_, PeerAddress(), 5432));
  EXPECT_NE(database->NextOriginalDestination(), std::nullopt);

  ASSERT_EQ(Init("--exclude-outbound-cidrs 10.9.0.0/24,fd09::/64").exit_status, 0);
  const auto server = ListenIn(*peer_, 80);
  EXPECT_TRUE(ConnectFrom(*pod_, PeerAddress(), 80));
  EXPECT_NE(server->NextOriginalDestination(), std::nullopt);
  EXPECT_EQ(sidecar->NextOriginalDestination(), std::nullopt);
}

TEST_P(CaptureTest, SecondRunReplacesTheFirst) {
  ASSERT_EQ(Init("--exclude-outbound-ports 5432").exit_status, 0);
  ASSERT_EQ(Init().exit_status, 0);
  const std::string once = SavedRules();
  ASSERT_EQ(Init().exit_status, 0);
  EXPECT_EQ(SavedRules(), once);
  EXPECT_THAT(once, HasSubstr("15006"));
  EXPECT_THAT(once, Not(HasSubstr("5432")));
}

TEST_P(CaptureTest, ChangingTheFlavourLeavesNoRuleOfTheOther) {
  const std::string other = GetParam().flavour == "nft" ? "legacy" : "nft";
  ASSERT_EQ(Init().exit_status, 0);
  ASSERT_EQ(Init("--flavour " + other).exit_status, 2) << "a flag given twice is a mistake";
  ASSERT_EQ(ShellInPod(std::string(TULLE_INIT) + " --flavour " + other).exit_status, 0);
  EXPECT_THAT(SavedRules(), Not(HasSubstr("TULLE")));
}

TEST_P(CaptureTest, CleanRemovesOursAndKeepsTheRest) {
  const std::string program = std::string(ipv6() ? "ip6tables-" : "iptables-") + GetParam().flavour;
  ASSERT_EQ(ShellInPod(program + " -t nat -A OUTPUT -p udp -j RETURN").exit_status, 0);
  const std::string before = SavedRules();
  ASSERT_EQ(Init().exit_status, 0);
  ASSERT_NE(SavedRules(), before);
  EXPECT_EQ(ShellInPod(std::string(TULLE_INIT) + " --clean").exit_status, 0);
  EXPECT_EQ(SavedRules(), before);
}

TEST_P(CaptureTest, SaysWhichCapabilityIsMissing) {
  const auto end =
      ShellInPod("setpriv --bounding-set -net_admin --inh-caps -net_admin " + std::string(TULLE_INIT));
  EXPECT_EQ(end.exit_status, 1);
  EXPECT_THAT(end.output, HasSubstr("NET_ADMIN"));
  EXPECT_THAT(end.output, HasSubstr("capabilities.add"));
  EXPECT_THAT(SavedRules(), Not(HasSubstr("TULLE")));
}

TEST_P(CaptureTest, SaysThatThePackageIsMissing) {
  const std::string hide =
      "mount -t tmpfs none /usr/sbin && if [ ! -L /sbin ]; then mount -t tmpfs none /sbin; fi; ";
  const auto end = ShellInPod("unshare --mount bash -c '" + hide + TULLE_INIT + "'");
  EXPECT_EQ(end.exit_status, 1);
  EXPECT_THAT(end.output, HasSubstr("no such program; the image needs the package iptables"));
}

TEST_P(CaptureTest, WorksWithoutAWritableRun) {
  const auto end = ShellInPod("unshare --mount bash -c 'mount -t tmpfs -o ro none /run; " +
                              std::string(TULLE_INIT) + " --flavour " + GetParam().flavour + "'");
  EXPECT_EQ(end.exit_status, 0) << end.output;
}

std::string CaseName(const testing::TestParamInfo<Case>& test) {
  return test.param.flavour + (test.param.ipv6 ? "_ipv6" : "_ipv4");
}

INSTANTIATE_TEST_SUITE_P(Everywhere, CaptureTest,
                         testing::Values(Case{"nft", false}, Case{"nft", true}, Case{"legacy", false},
                                         Case{"legacy", true}),
                         CaseName);

}  // namespace
}  // namespace tulle::netns
