#include "sidecar/detect/overheard.h"

#include <gtest/gtest.h>

#include <initializer_list>

namespace tulle::sidecar::detect {
namespace {

// A ClientHello for the host "db".
const std::string kHello(
    "\x16\x03\x01\x00\x3a\x01\x00\x00\x36\x03\x03rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr\x00\x00\x02"
    "\x13\x01\x01\x00\x00\x0b\x00\x00\x00\x07\x00\x05\x00\x00\x02"
    "db",
    63);

bool HearAll(Overheard& overheard, std::initializer_list<std::string_view> pieces) {
  for (const std::string_view piece : pieces) {
    if (!overheard.Hear(piece)) return false;
  }
  return true;
}

TEST(Overheard, WhomTheClientWantsHoweverItsHelloComes) {
  for (size_t cut = 0; cut <= kHello.size(); ++cut) {
    Overheard overheard(false);
    EXPECT_TRUE(HearAll(overheard, {kHello.substr(0, cut), kHello.substr(cut), "further records"}));
    EXPECT_EQ(overheard.server_name(), "db") << cut;
  }
  Overheard overheard(false);
  for (const char& c : kHello) EXPECT_TRUE(overheard.Hear({&c, 1}));
  EXPECT_EQ(overheard.server_name(), "db");
}

TEST(Overheard, NothingIsWantedOfWhatIsNotTls) {
  Overheard overheard(false);
  EXPECT_TRUE(HearAll(overheard, {"SSH-2.0-x\r\n", kHello}));
  EXPECT_EQ(overheard.server_name(), "");
}

TEST(Overheard, AWordThatBecomesARequestIsNotCarriedOn) {
  for (const char* rest : {" / HTTP/1.1\r\n", "ter /a HTTP/1.0\r\n", " http://a/ HTTP/1.1\r\n\r\n"}) {
    Overheard overheard(true);
    EXPECT_TRUE(overheard.Hear("get"));
    EXPECT_FALSE(overheard.Hear(rest)) << rest;
  }
  Overheard piecemeal(true);
  EXPECT_TRUE(HearAll(piecemeal, {"get", " ", "/", " HTTP"}));
  EXPECT_FALSE(piecemeal.Hear("/"));
}

TEST(Overheard, AnyOtherWordIsCarriedOn) {
  Overheard overheard(true);
  EXPECT_TRUE(HearAll(overheard, {"ruok", "\n", "GET / HTTP/1.1\r\n"}));
  Overheard declared(false);
  EXPECT_TRUE(HearAll(declared, {"get", " / HTTP/1.1\r\n"}));
}

}  // namespace
}  // namespace tulle::sidecar::detect
