#include "sidecar/protect/rate.h"

#include <gtest/gtest.h>

namespace tulle::sidecar::protect {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const Rate kTenPerSecond{10, seconds(1), 5};
const TimePoint kStart = TimePoint() + std::chrono::hours(1);

int Take(Buckets& buckets, std::string_view key, int times, TimePoint now) {
  int granted = 0;
  while (times-- > 0) granted += buckets.Take(key, now).granted;
  return granted;
}

TEST(Bucket, ABurstIsGrantedAndThenTheRate) {
  Buckets buckets(kTenPerSecond);
  EXPECT_EQ(Take(buckets, "", 100, kStart), 5);
  EXPECT_EQ(Take(buckets, "", 100, kStart + milliseconds(99)), 0);
  EXPECT_EQ(Take(buckets, "", 100, kStart + milliseconds(100)), 1);
  EXPECT_EQ(Take(buckets, "", 100, kStart + seconds(10)), 5);
}

TEST(Bucket, OverTimeNoMoreThanTheRateIsGranted) {
  Buckets buckets(kTenPerSecond);
  int granted = 0;
  for (int i = 0; i < 60000; ++i) granted += Take(buckets, "", 1, kStart + milliseconds(i));
  EXPECT_NEAR(granted, 605, 1);
}

TEST(Bucket, SaysWhatIsLeftAndHowLongToWait) {
  Buckets buckets(kTenPerSecond);
  const Grant first = buckets.Take("", kStart);
  EXPECT_EQ(first.remaining, 4);
  EXPECT_EQ(first.until_full, milliseconds(100));
  Take(buckets, "", 4, kStart);
  const Grant refused = buckets.Take("", kStart + milliseconds(30));
  EXPECT_FALSE(refused.granted);
  EXPECT_EQ(refused.remaining, 0);
  EXPECT_EQ(refused.wait, milliseconds(70));
  EXPECT_EQ(refused.until_full, milliseconds(470));
}

TEST(Buckets, EachKeyHasItsOwn) {
  Buckets buckets(kTenPerSecond);
  EXPECT_EQ(Take(buckets, "a", 10, kStart), 5);
  EXPECT_EQ(Take(buckets, "b", 10, kStart), 5);
  EXPECT_EQ(Take(buckets, "a", 10, kStart), 0);
}

TEST(Buckets, InventedKeysShareOneBucketAndPushNobodyOut) {
  Buckets buckets(kTenPerSecond, 2);
  Take(buckets, "a", 5, kStart);
  Take(buckets, "b", 5, kStart);
  int granted = 0;
  for (int i = 0; i < 1000; ++i) granted += Take(buckets, "key" + std::to_string(i), 1, kStart);
  EXPECT_EQ(granted, 5);
  EXPECT_EQ(Take(buckets, "a", 1, kStart), 0);
  EXPECT_EQ(buckets.keys(), 2u);
}

TEST(Buckets, AFullBucketIsForgottenForANewKey) {
  Buckets buckets(kTenPerSecond, 2);
  Take(buckets, "a", 5, kStart);
  Take(buckets, "b", 5, kStart);
  const TimePoint later = kStart + seconds(1);
  Take(buckets, "a", 1, later);
  EXPECT_EQ(Take(buckets, "c", 10, later), 5);  // in place of b
  EXPECT_EQ(Take(buckets, "a", 10, later), 4);
  EXPECT_EQ(buckets.keys(), 2u);
}

TEST(Buckets, OfALongKeyTheBeginningCounts) {
  Buckets buckets(kTenPerSecond);
  const std::string key(1000, 'k');
  EXPECT_EQ(Take(buckets, key + "1", 10, kStart), 5);
  EXPECT_EQ(Take(buckets, key + "2", 10, kStart), 0);
}

}  // namespace
}  // namespace tulle::sidecar::protect
