#include "sidecar/telemetry/probe.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

namespace tulle::sidecar::telemetry {
namespace {

// A probe whose log goes into a pipe.
class ProbeTest : public ::testing::Test {
 protected:
  ProbeTest() { EXPECT_EQ(pipe(ends_), 0); }
  ~ProbeTest() override { close(ends_[0]); }

  // Everything that is logged for these records.
  std::string Log(AccessLogMode mode, const std::vector<Record>& records) {
    {
      AccessLog log(ends_[1]);
      Probe probe(registry_, log, mode, "0");
      for (const Record& record : records) probe.Done(record);
    }
    close(ends_[1]);
    std::string text(1 << 16, '\0');
    text.resize(static_cast<size_t>(std::max<ssize_t>(0, read(ends_[0], text.data(), text.size()))));
    return text;
  }
  bool Scraped(const std::string& line) { return registry_.Scrape().find(line) != std::string::npos; }

  int ends_[2];
  ::tulle::telemetry::Registry registry_;
};

Record Answered(int status) {
  Record record;
  record.protocol = "http";
  record.source = "shop/web";
  record.destination = "shop/db";
  record.status = status;
  record.attempts = 1;
  record.duration = std::chrono::milliseconds(2);
  return record;
}

TEST_F(ProbeTest, RequestsAreCountedByOutcome) {
  Record retried = Answered(200);
  retried.attempts = 3;
  retried.request_bytes = 10;
  Record denied = Answered(403);
  denied.reason = "access/deny shop/a#0";
  Log(AccessLogMode::kOff, {Answered(200), retried, denied});
  const std::string who =
      R"(direction="outbound",protocol="http",source="shop/web",destination="shop/db",backend="",worker="0")";
  EXPECT_TRUE(Scraped("tulle_requests_total{" + who + R"(,code="200",reason="",mtls="false"} 2)"));
  EXPECT_TRUE(Scraped("tulle_requests_total{" + who +
                      R"(,code="403",reason="access/deny shop/a#0",mtls="false"} 1)"));
  EXPECT_TRUE(Scraped("tulle_retries_total{" + who + "} 2"));
  EXPECT_TRUE(Scraped("tulle_request_bytes_total{" + who + "} 10"));
  EXPECT_TRUE(Scraped("tulle_request_duration_seconds_count{" + who + "} 3"));
}

TEST_F(ProbeTest, ErrorsModeLogsOnlyWhatFailed) {
  Record refused = Answered(0);
  refused.reason = "upstream/connect-refused";
  const std::string text = Log(AccessLogMode::kErrors, {Answered(200), Answered(404), refused});
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
}

TEST_F(ProbeTest, ALineIsJsonWhateverTheClientSent) {
  Record record = Answered(200);
  record.path = "/\"\\\n\xff";
  record.host = "caf\xc3\xa9";
  record.mtls = true;
  const auto line = nlohmann::json::parse(Log(AccessLogMode::kAll, {record}));
  EXPECT_EQ(line["path"], "/\"\\\n\xef\xbf\xbd");
  EXPECT_EQ(line["host"], "caf\xc3\xa9");
  EXPECT_EQ(line["code"], 200);
  EXPECT_EQ(line["duration_us"], 2000);
  EXPECT_EQ(line["mtls"], true);
  EXPECT_FALSE(line.contains("reason"));
  EXPECT_TRUE(line["time"].get<std::string>().ends_with("Z"));
}

TEST_F(ProbeTest, OpenConnectionsGoUpAndDown) {
  AccessLog log(ends_[1]);
  Probe probe(registry_, log, AccessLogMode::kOff, "0");
  probe.ConnectionOpened(true);
  probe.ConnectionOpened(true);
  probe.ConnectionClosed(true);
  EXPECT_TRUE(Scraped(R"(tulle_downstream_connections{direction="inbound",worker="0"} 1)"));
  EXPECT_TRUE(Scraped(R"(tulle_downstream_connections{direction="outbound",worker="0"} 0)"));
}

}  // namespace
}  // namespace tulle::sidecar::telemetry
