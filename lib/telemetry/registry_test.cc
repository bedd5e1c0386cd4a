#include "lib/telemetry/registry.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <sstream>

namespace tulle::telemetry {
namespace {

using std::chrono::milliseconds;

std::vector<std::string> Lines(const Registry& registry) {
  std::istringstream text(registry.Scrape());
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

// What promtool would say: the first line that is neither a sample nor a comment of the text format, a sample
// before its TYPE, or one that stands twice.
std::string FirstProblem(const Registry& registry) {
  static const std::regex sample(
      R"re(([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(([a-zA-Z_]\w*="([^"\\]|\\\\|\\"|\\n)*",?)+)\})?)re"
      R"re( (NaN|[+-]?Inf|[-+0-9.e]+))re");
  static const std::regex comment(R"re(# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+))re");
  std::set<std::string> seen;
  std::string family;
  for (const std::string& line : Lines(registry)) {
    std::smatch match;
    if (std::regex_match(line, match, comment)) {
      family = match[2];
      if (!seen.insert(match[1].str() + family).second) return "twice: " + line;
      continue;
    }
    if (!std::regex_match(line, match, sample) || !match[1].str().starts_with(family)) return line;
    if (!seen.insert(line.substr(0, line.rfind(' '))).second) return "twice: " + line;
  }
  return {};
}

TEST(Registry, AScrapeIsPrometheusText) {
  Registry registry;
  registry.GetCounter("a_total", "Things.", {{"code", "200"}, {"reason", ""}}).Add(3);
  registry.GetCounter("a_total", "Things.", {{"code", "500"}, {"reason", ""}}).Add();
  registry.GetGauge("open", "Open ones.").Set(-1.5);
  registry.GetGauge("tiny", "Small and large.", {{"a", "b"}}).Set(1e-9);
  registry.GetHistogram("time_seconds", "Times.", {{"to", "web"}}).Observe(milliseconds(3));
  registry.GetHistogram("bare_seconds", "Times.").Observe(milliseconds(3));
  EXPECT_EQ(FirstProblem(registry), "");
  const std::vector<std::string> lines = Lines(registry);
  EXPECT_EQ((std::vector<std::string>(lines.begin(), lines.begin() + 4)),
            (std::vector<std::string>{"# HELP a_total Things.", "# TYPE a_total counter",
                                      "a_total{code=\"200\",reason=\"\"} 3",
                                      "a_total{code=\"500\",reason=\"\"} 1"}));
}

TEST(Registry, AHistogramIsCumulativeAndAgreesWithItself) {
  Registry registry;
  Histogram& histogram = registry.GetHistogram("t_seconds", "Times.");
  for (const int ms : {0, 1, 3, 3, 20000}) histogram.Observe(milliseconds(ms));
  const std::string text = registry.Scrape();
  for (const char* line :
       {"t_seconds_bucket{le=\"0.0005\"} 1\n", "t_seconds_bucket{le=\"0.001\"} 2\n",
        "t_seconds_bucket{le=\"0.005\"} 4\n", "t_seconds_bucket{le=\"10\"} 4\n",
        "t_seconds_bucket{le=\"+Inf\"} 5\n", "t_seconds_sum 20.007\n", "t_seconds_count 5\n"})
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  EXPECT_EQ(histogram.count(), 5u);
}

TEST(Registry, LabelValuesMayHoldAnything) {
  Registry registry;
  registry.GetCounter("a_total", "A.", {{"path", "a\"b\\c\nd"}}).Add();
  EXPECT_NE(registry.Scrape().find(R"(a_total{path="a\"b\\c\nd"} 1)"), std::string::npos);
  EXPECT_EQ(FirstProblem(registry), "");
}

TEST(Registry, TheSameLabelsAreTheSameSeries) {
  Registry registry;
  Counter& counter = registry.GetCounter("a_total", "A.", {{"x", "1"}});
  EXPECT_EQ(&counter, &registry.GetCounter("a_total", "A.", {{"x", "1"}}));
  EXPECT_NE(&counter, &registry.GetCounter("a_total", "A.", {{"x", "2"}}));
  EXPECT_NE(&counter, &registry.GetCounter("b_total", "B.", {{"x", "1"}}));
}

TEST(Registry, BeyondItsLimitAFamilyCountsInOneSharedSeries) {
  Registry registry;
  Counter& first = registry.GetCounter("a_total", "A.", {{"x", "0"}});
  for (size_t i = 1; i < Registry::kMaxSeriesPerFamily; ++i)
    registry.GetCounter("a_total", "A.", {{"x", std::to_string(i)}}).Add();
  for (const char* late : {"late", "later", "latest"})
    registry.GetCounter("a_total", "A.", {{"x", late}}).Add();
  EXPECT_EQ(&registry.GetCounter("a_total", "A.", {{"x", "0"}}), &first);
  EXPECT_NE(registry.Scrape().find("a_total{x=\"overflow\"} 3\n"), std::string::npos);
  EXPECT_EQ(Lines(registry).size(), Registry::kMaxSeriesPerFamily + 3);
  registry.GetCounter("b_total", "B.", {{"x", "late"}}).Add();
  EXPECT_NE(registry.Scrape().find("b_total{x=\"late\"} 1\n"), std::string::npos);
}

TEST(RegistryDeathTest, OneNameIsOneKindOfMetric) {
  Registry registry;
  registry.GetCounter("a_total", "A.");
  EXPECT_DEATH(registry.GetGauge("a_total", "A."), "");
}

}  // namespace
}  // namespace tulle::telemetry
