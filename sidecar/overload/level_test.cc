#include "sidecar/overload/level.h"

#include <gtest/gtest.h>

namespace tulle::sidecar::overload {
namespace {

constexpr Usage kPlenty{1, 100};

Level Memory(uint64_t percent, Level before = Level::kNormal) {
  return LevelOf({percent * 10, 1000}, kPlenty, before);
}

TEST(LevelOf, GoesUpWithMemory) {
  EXPECT_EQ(Memory(0), Level::kNormal);
  EXPECT_EQ(Memory(84), Level::kNormal);
  EXPECT_EQ(Memory(85), Level::kTight);
  EXPECT_EQ(Memory(92), Level::kFull);
  EXPECT_EQ(Memory(95), Level::kCritical);
  EXPECT_EQ(Memory(300), Level::kCritical);
}

TEST(LevelOf, ComesDownLaterThanItWentUp) {
  EXPECT_EQ(Memory(93, Level::kCritical), Level::kCritical);
  EXPECT_EQ(Memory(92, Level::kCritical), Level::kFull);
  EXPECT_EQ(Memory(90, Level::kCritical), Level::kFull);
  EXPECT_EQ(Memory(89, Level::kCritical), Level::kTight);
  EXPECT_EQ(Memory(83, Level::kFull), Level::kTight);
  EXPECT_EQ(Memory(82, Level::kCritical), Level::kNormal);
}

TEST(LevelOf, WithoutALimitAllIsWell) {
  EXPECT_EQ(LevelOf({uint64_t{1} << 40, 0}, {7, 0}, Level::kNormal), Level::kNormal);
}

TEST(LevelOf, DescriptorsOnlyMakeWhatIsIdleGo) {
  EXPECT_EQ(LevelOf(kPlenty, {85, 100}, Level::kNormal), Level::kTight);
  EXPECT_EQ(LevelOf(kPlenty, {100, 100}, Level::kTight), Level::kTight);
  EXPECT_EQ(LevelOf({92, 100}, {100, 100}, Level::kNormal), Level::kFull);
}

TEST(Shrink, MorePressureLessPatience) {
  io::Duration patience = std::chrono::minutes(10);
  EXPECT_EQ(Shrink(patience, Level::kNormal), patience);
  for (const Level level : {Level::kTight, Level::kFull, Level::kCritical}) {
    const io::Duration shrunk = Shrink(std::chrono::minutes(10), level);
    EXPECT_LT(shrunk, patience);
    patience = shrunk;
  }
  EXPECT_GE(patience, std::chrono::seconds(2));
}

}  // namespace
}  // namespace tulle::sidecar::overload
