#include "sidecar/capture/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tulle::sidecar::capture {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string CidrText(std::string_view text) {
  auto cidr = ParseCidr(text);
  return cidr ? cidr->text : "failure: " + cidr.failure().what;
}

TEST(Settings, ReadsListsWithSpacesAndEmptyOnes) {
  EXPECT_THAT(*ParsePorts("80, 443 ,9090"), ElementsAre(80, 443, 9090));
  EXPECT_THAT(*ParsePorts(""), IsEmpty());
  EXPECT_THAT(*ParsePorts("  "), IsEmpty());
}

TEST(Settings, RefusesWhatIsNoPortAndNamesIt) {
  for (const std::string bad : {"70000", "0", "-1", "http", "80x", "8 0", "99999999999999999999", ""}) {
    const auto port = ParsePort(bad);
    ASSERT_FALSE(port) << bad;
    EXPECT_THAT(port.failure().what, HasSubstr("'" + bad + "'"));
  }
  EXPECT_FALSE(ParsePorts("80,,90"));
  EXPECT_FALSE(ParsePorts("80,"));
}

TEST(Settings, RefusesRootAsTheProxy) {
  EXPECT_EQ(*ParseUid("1337"), 1337u);
  EXPECT_FALSE(ParseUid("0"));
  EXPECT_FALSE(ParseUid("4294967295"));
  EXPECT_FALSE(ParseUid("proxy"));
}

TEST(Settings, SpellsRangesAsIptablesDoes) {
  EXPECT_EQ(CidrText("10.0.0.0/8"), "10.0.0.0/8");
  EXPECT_EQ(CidrText("10.1.2.3/8"), "10.0.0.0/8");
  EXPECT_EQ(CidrText("10.1.2.3"), "10.1.2.3/32");
  EXPECT_EQ(CidrText("172.31.255.255/12"), "172.16.0.0/12");
  EXPECT_EQ(CidrText("fd00:0:0::1/64"), "fd00::/64");
  EXPECT_EQ(CidrText("FD00::1"), "fd00::1/128");
  EXPECT_EQ(CidrText("2001:db8::ff/121"), "2001:db8::80/121");
}

TEST(Settings, RefusesWhatIsNoRangeAndNamesIt) {
  for (const std::string bad :
       {"10.0.0.0/99", "10.0.0.0/", "10.0.0/8", "fd00::/129", "garbage", "10.0.0.0/-1", "/8"}) {
    const auto cidr = ParseCidr(bad);
    ASSERT_FALSE(cidr) << bad;
    EXPECT_THAT(cidr.failure().what, HasSubstr("'" + bad + "'"));
  }
}

TEST(Settings, KeepsTheFamilyOfEachRange) {
  const auto cidrs = ParseCidrs("10.0.0.0/8,fd00::/8");
  ASSERT_TRUE(cidrs);
  EXPECT_THAT(*cidrs, ElementsAre(Cidr{Family::kIpv4, "10.0.0.0/8"}, Cidr{Family::kIpv6, "fd00::/8"}));
}

}  // namespace
}  // namespace tulle::sidecar::capture
