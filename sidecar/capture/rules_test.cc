#include "sidecar/capture/rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tulle::sidecar::capture {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// What iptables-save would print after `rules` were restored into an otherwise empty table.
std::string Saved(const std::vector<std::string>& rules) {
  std::string text =
      "# Generated\n*nat\n:PREROUTING ACCEPT [0:0]\n:TULLE_INBOUND - [0:0]\n:TULLE_OUTBOUND - [0:0]\n";
  for (const auto& rule : rules) text += rule + "\n";
  return text + "COMMIT\n";
}

TEST(Rules, RedirectEverythingButTheSidecarsOwn) {
  EXPECT_THAT(OwnRules(Settings{}, Family::kIpv4),
              ElementsAre("-A PREROUTING -p tcp -j TULLE_INBOUND", "-A OUTPUT -p tcp -j TULLE_OUTBOUND",
                          "-A TULLE_INBOUND -p tcp -m tcp --dport 15020 -j RETURN",
                          "-A TULLE_INBOUND -p tcp -m tcp --dport 15021 -j RETURN",
                          "-A TULLE_INBOUND -p tcp -j REDIRECT --to-ports 15006",
                          "-A TULLE_OUTBOUND -m owner --uid-owner 1337 -j RETURN",
                          "-A TULLE_OUTBOUND -o lo -j RETURN", "-A TULLE_OUTBOUND -d 127.0.0.0/8 -j RETURN",
                          "-A TULLE_OUTBOUND -p tcp -j REDIRECT --to-ports 15001"));
}

TEST(Rules, LeaveExcludedPortsAndRangesOfTheirFamilyAlone) {
  Settings settings;
  settings.exclude_inbound_ports = {9090, 15020};
  settings.exclude_outbound_ports = {5432};
  settings.exclude_outbound_cidrs = {{Family::kIpv4, "10.0.0.0/8"}, {Family::kIpv6, "fd00::/8"}};
  EXPECT_THAT(OwnRules(settings, Family::kIpv6),
              ElementsAre("-A PREROUTING -p tcp -j TULLE_INBOUND", "-A OUTPUT -p tcp -j TULLE_OUTBOUND",
                          "-A TULLE_INBOUND -p tcp -m tcp --dport 9090 -j RETURN",
                          "-A TULLE_INBOUND -p tcp -m tcp --dport 15020 -j RETURN",
                          "-A TULLE_INBOUND -p tcp -m tcp --dport 15021 -j RETURN",
                          "-A TULLE_INBOUND -p tcp -j REDIRECT --to-ports 15006",
                          "-A TULLE_OUTBOUND -m owner --uid-owner 1337 -j RETURN",
                          "-A TULLE_OUTBOUND -o lo -j RETURN", "-A TULLE_OUTBOUND -d ::1/128 -j RETURN",
                          "-A TULLE_OUTBOUND -p tcp -m tcp --dport 5432 -j RETURN",
                          "-A TULLE_OUTBOUND -d fd00::/8 -j RETURN",
                          "-A TULLE_OUTBOUND -p tcp -j REDIRECT --to-ports 15001"));
}

TEST(Rules, SecondRunReplacesTheFirst) {
  Settings settings;
  const std::string again =
      RestoreText(OwnRules(settings, Family::kIpv4), Saved(OwnRules(settings, Family::kIpv4)));
  EXPECT_THAT(again, HasSubstr(":TULLE_INBOUND - [0:0]\n:TULLE_OUTBOUND - [0:0]\n"
                               "-D PREROUTING -p tcp -j TULLE_INBOUND\n-D OUTPUT -p tcp -j TULLE_OUTBOUND\n"
                               "-I PREROUTING -p tcp -j TULLE_INBOUND\n"));
}

TEST(Rules, RemovalTouchesOnlyOurs) {
  const std::string foreign = "-A PREROUTING -p udp -j TULLES\n-A OUTPUT -p tcp -j OTHER\n";
  std::string saved = Saved(OwnRules(Settings{}, Family::kIpv4));
  saved.insert(saved.find("COMMIT"), foreign);
  EXPECT_EQ(RemoveText(saved),
            "*nat\n-D PREROUTING -p tcp -j TULLE_INBOUND\n-D OUTPUT -p tcp -j TULLE_OUTBOUND\n"
            "-F TULLE_INBOUND\n-F TULLE_OUTBOUND\n-X TULLE_INBOUND\n-X TULLE_OUTBOUND\nCOMMIT\n");
  EXPECT_FALSE(HasOwnRules("*nat\n" + foreign + "COMMIT\n"));
}

TEST(Rules, ReadingBackFindsWhatWasWritten) {
  Settings settings;
  settings.exclude_outbound_cidrs = {{Family::kIpv4, "0.0.0.0/0"}};
  const auto rules = OwnRules(settings, Family::kIpv4);
  EXPECT_EQ(Difference(rules, FindOwnRules(Saved(rules))), "");
  EXPECT_THAT(rules, testing::Contains("-A TULLE_OUTBOUND -j RETURN"));
}

TEST(Rules, DifferenceNamesTheRule) {
  const auto wanted = OwnRules(Settings{}, Family::kIpv4);
  auto found = wanted;
  found.pop_back();
  EXPECT_EQ(Difference(wanted, found), "missing '-A TULLE_OUTBOUND -p tcp -j REDIRECT --to-ports 15001'");

  found = wanted;
  found.push_back("-A TULLE_INBOUND -j ACCEPT");
  EXPECT_EQ(Difference(wanted, found), "unexpected '-A TULLE_INBOUND -j ACCEPT'");

  found = wanted;
  found.back() = "-A TULLE_OUTBOUND -p tcp -j REDIRECT --to-ports 1";
  EXPECT_THAT(Difference(wanted, found), HasSubstr("but the kernel has"));

  found = wanted;
  found.push_back(wanted[0]);
  EXPECT_THAT(Difference(wanted, found), HasSubstr("unexpected '-A PREROUTING"));
}

}  // namespace
}  // namespace tulle::sidecar::capture
