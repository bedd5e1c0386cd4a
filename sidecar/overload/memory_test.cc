#include "sidecar/overload/memory.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace tulle::sidecar::overload {
namespace {

constexpr uint64_t kMiB = 1 << 20;

// A machine's /proc and /sys as files.
class MemoryMeterTest : public ::testing::Test {
 protected:
  MemoryMeterTest() : root_(::testing::TempDir() + "machine." + std::to_string(getpid())) {
    Write("/proc/self/statm",
          "9999 " + std::to_string(10 * kMiB / static_cast<uint64_t>(sysconf(_SC_PAGESIZE))) + " 7");
  }
  ~MemoryMeterTest() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) {
    const std::filesystem::path file = root_ + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  void V2(const std::string& folder, const std::string& limit, const std::string& processes) {
    Write("/sys/fs/cgroup" + folder + "/memory.max", limit);
    Write("/sys/fs/cgroup" + folder + "/memory.current", std::to_string(60 * kMiB) + "\n");
    Write("/sys/fs/cgroup" + folder + "/memory.stat",
          "anon 5\ninactive_file " + std::to_string(20 * kMiB) + "\n");
    Write("/sys/fs/cgroup" + folder + "/cgroup.procs", processes);
  }
  void Expect(uint64_t used, uint64_t limit, uint64_t fixed = 0) {
    const Usage usage = MemoryMeter(fixed, root_).Read();
    EXPECT_EQ(usage.used, used);
    EXPECT_EQ(usage.limit, limit);
  }

  std::string root_;
};

TEST_F(MemoryMeterTest, Version2OfOurOwnCountsAllButIdleFilePages) {
  Write("/proc/self/cgroup", "0::/pods/a\n");
  V2("/pods/a", std::to_string(100 * kMiB) + "\n", "1\n");
  Expect(40 * kMiB, 100 * kMiB);
}

TEST_F(MemoryMeterTest, MountedAsTheRoot) {
  Write("/proc/self/cgroup", "0::/../../elsewhere\n");
  V2("", std::to_string(100 * kMiB), "1\n");
  Expect(40 * kMiB, 100 * kMiB);
}

TEST_F(MemoryMeterTest, WhatOthersUseIsNotOursToSpare) {
  Write("/proc/self/cgroup", "0::/\n");
  V2("", std::to_string(100 * kMiB), "1\n2\n");
  Expect(10 * kMiB, 70 * kMiB);
}

TEST_F(MemoryMeterTest, OthersThatUseAllOfIt) {
  Write("/proc/self/cgroup", "0::/\n");
  V2("", std::to_string(20 * kMiB), "1\n2\n");
  Expect(10 * kMiB, 10 * kMiB);
}

TEST_F(MemoryMeterTest, NoLimitIsNone) {
  Write("/proc/self/cgroup", "0::/\n");
  V2("", "max\n", "1\n");
  Expect(10 * kMiB, 0);
}

TEST_F(MemoryMeterTest, NoCgroupAtAll) { Expect(10 * kMiB, 0); }

TEST_F(MemoryMeterTest, Version1) {
  Write("/proc/self/cgroup", "5:cpu,cpuacct:/x\n4:memory:/kubepods/a\n0::/\n");
  const std::string folder = "/sys/fs/cgroup/memory/kubepods/a";
  Write(folder + "/memory.limit_in_bytes", "9223372036854771712\n");
  Write(folder + "/memory.usage_in_bytes", std::to_string(60 * kMiB) + "\n");
  Write(folder + "/memory.stat", "inactive_file 1\nhierarchical_memory_limit " + std::to_string(80 * kMiB) +
                                     "\ntotal_inactive_file " + std::to_string(30 * kMiB) + "\n");
  Write(folder + "/cgroup.procs", "17\n");
  Expect(30 * kMiB, 80 * kMiB);
}

TEST_F(MemoryMeterTest, Version1WithoutALimit) {
  Write("/proc/self/cgroup", "4:memory:/\n");
  Write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  Write("/sys/fs/cgroup/memory/memory.usage_in_bytes", "5\n");
  Write("/sys/fs/cgroup/memory/memory.stat", "hierarchical_memory_limit 9223372036854771712\n");
  Expect(10 * kMiB, 0);
}

TEST_F(MemoryMeterTest, AGivenLimitIsForThisProcessAlone) {
  Write("/proc/self/cgroup", "0::/\n");
  V2("", std::to_string(100 * kMiB), "1\n");
  Expect(10 * kMiB, 50 * kMiB, 50 * kMiB);
}

TEST(MemoryMeter, OfThisMachine) { EXPECT_GT(MemoryMeter(0).Read().used, 0u); }

TEST(MemoryFiles, Numbers) {
  EXPECT_EQ(ParseNumber("12\n"), 12u);
  EXPECT_EQ(ParseNumber("max\n"), std::nullopt);
  EXPECT_EQ(ParseNumber(""), std::nullopt);
  EXPECT_EQ(ParseStat("file 1\ninactive_file 22\n", "inactive_file"), 22u);
  EXPECT_EQ(ParseStat("total_inactive_file 1\n", "inactive_file"), 0u);
}

}  // namespace
}  // namespace tulle::sidecar::overload
