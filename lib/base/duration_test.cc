#include "lib/base/duration.h"

#include <gtest/gtest.h>

namespace tulle::base {
namespace {

using std::chrono::milliseconds;

TEST(Duration, ReadsEveryUnit) {
  EXPECT_EQ(*ParseDuration("250ms"), milliseconds(250));
  EXPECT_EQ(*ParseDuration("2s"), milliseconds(2000));
  EXPECT_EQ(*ParseDuration("1h1m1s1ms"), milliseconds(3661001));
  EXPECT_EQ(*ParseDuration("0s"), milliseconds(0));
}

TEST(Duration, RefusesWhatIsNoDuration) {
  for (const char* text : {"", "5", "-1s", "1.5s", "s", "1d", "1s ", " 1s", "99999999999s", "0x5s"}) {
    EXPECT_FALSE(ParseDuration(text).ok()) << text;
  }
}

TEST(Duration, PrintsWhatItReads) {
  for (const char* text : {"250ms", "2s", "1h1m1s1ms", "0s", "1m30s"})
    EXPECT_EQ(PrintDuration(*ParseDuration(text)), text);
}

}  // namespace
}  // namespace tulle::base
