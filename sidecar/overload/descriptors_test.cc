#include "sidecar/overload/descriptors.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

namespace tulle::sidecar::overload {
namespace {

TEST(ConnectionsFor, LeavesDescriptorsForWhereTheyGo) {
  EXPECT_EQ(ConnectionsFor(1 << 20, 20000), 20000u);
  EXPECT_EQ(ConnectionsFor(1064, 20000), 500u);
  EXPECT_EQ(ConnectionsFor(64, 20000), 24u);
  EXPECT_EQ(ConnectionsFor(0, 20000), 0u);
}

TEST(RaiseDescriptorLimit, TakesWhatTheHardLimitAllows) {
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const rlimit low{64, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  const uint64_t raised = RaiseDescriptorLimit();
  rlimit after{};
  getrlimit(RLIMIT_NOFILE, &after);
  EXPECT_EQ(raised, after.rlim_cur);
  EXPECT_GT(raised, 64u);
  setrlimit(RLIMIT_NOFILE, &before);
}

TEST(DescriptorMeter, CountsWhatIsOpen) {
  const DescriptorMeter meter(1000);
  const Usage before = meter.Read();
  const int one = open("/dev/null", O_RDONLY | O_CLOEXEC);
  EXPECT_EQ(meter.Read().used, before.used + 1);
  EXPECT_EQ(meter.Read().limit, 1000u);
  close(one);
}

TEST(SpareDescriptor, MakesRoomForOne) {
  SpareDescriptor spare;
  EXPECT_TRUE(spare.GiveUp());
  EXPECT_FALSE(spare.GiveUp());
  spare.Keep();
  EXPECT_TRUE(spare.GiveUp());
}

}  // namespace
}  // namespace tulle::sidecar::overload
