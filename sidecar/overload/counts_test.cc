#include "sidecar/overload/counts.h"

#include <gtest/gtest.h>

namespace tulle::sidecar::overload {
namespace {

TEST(LimitCounts, AreMetricsAndNewsOnce) {
  ::tulle::telemetry::Registry registry;
  LimitCounts counts(registry, "0");
  EXPECT_EQ(counts.News(), "");
  counts.Hit(Limit::kMemory);
  counts.Hit(Limit::kHeadTime);
  counts.Hit(Limit::kMemory);
  EXPECT_EQ(counts.News(), "memory 2, head-time 1");
  EXPECT_EQ(counts.News(), "");
  EXPECT_NE(registry.Scrape().find(R"(tulle_limits_total{limit="memory",worker="0"} 2)"), std::string::npos);
  EXPECT_NE(registry.Scrape().find(R"(tulle_limits_total{limit="dials",worker="0"} 0)"), std::string::npos);
}

}  // namespace
}  // namespace tulle::sidecar::overload
