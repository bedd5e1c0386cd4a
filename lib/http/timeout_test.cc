#include "lib/http/timeout.h"

#include <gtest/gtest.h>

namespace tulle::http {
namespace {

using namespace std::chrono_literals;

TEST(ParseGrpcTimeout, AllUnits) {
  EXPECT_EQ(ParseGrpcTimeout("1H"), 1h);
  EXPECT_EQ(ParseGrpcTimeout("2M"), 2min);
  EXPECT_EQ(ParseGrpcTimeout("3S"), 3s);
  EXPECT_EQ(ParseGrpcTimeout("250m"), 250ms);
  EXPECT_EQ(ParseGrpcTimeout("99999999u"), 99999999us);
  EXPECT_EQ(ParseGrpcTimeout("0n"), 0ns);
  EXPECT_EQ(ParseGrpcTimeout("99999999H"), 24h * 365);
}

TEST(ParseGrpcTimeout, WhatIsNoneIsIgnored) {
  for (const char* text :
       {"", "S", "1", "1s", "-1S", "+1S", "1 S", " 1S", "1.5S", "123456789S", "1SS", "0x1S"}) {
    EXPECT_EQ(ParseGrpcTimeout(text), std::nullopt) << text;
  }
}

TEST(TimeLeft, ThereAndBack) {
  EXPECT_EQ(ParseTimeLeft(FormatTimeLeft(1500ms)), 1500ms);
  EXPECT_EQ(FormatTimeLeft(-1s), "0");
  EXPECT_EQ(FormatTimeLeft(999us), "0");
  for (const char* text : {"", "-1", "1 ", "1ms", "12345678901"})
    EXPECT_EQ(ParseTimeLeft(text), std::nullopt);
}

}  // namespace
}  // namespace tulle::http
