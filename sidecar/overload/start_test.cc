#include "sidecar/overload/start.h"

#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <numeric>
#include <string>

namespace tulle::sidecar::overload {
namespace {

// Pages of files that are mapped into this process and resident, in KiB.
long FileKilobytes() {
  std::ifstream status("/proc/self/status");
  std::string name;
  while (status >> name && name != "RssFile:") continue;
  long value = -1;
  status >> value;
  return value;
}

constexpr std::array<int, 4096> kTable = [] {
  std::array<int, 4096> table{};
  std::iota(table.begin(), table.end(), 1);
  return table;
}();

TEST(Start, MostOfItGoesAndAllOfItComesBack) {
  static std::array<int, 4096> written = kTable;
  for (int& value : written) ++value;
  const long before = FileKilobytes();
  LetGoOfStart();
  const long after = FileKilobytes();
  EXPECT_GT(after, 0);
  EXPECT_LT(after, before * 3 / 4) << before;
  EXPECT_EQ(std::accumulate(kTable.begin(), kTable.end(), 0), 4096 * 4097 / 2);
  EXPECT_EQ(std::accumulate(written.begin(), written.end(), 0), 4096 * 4097 / 2 + 4096);
}

}  // namespace
}  // namespace tulle::sidecar::overload
