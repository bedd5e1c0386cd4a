#include "sidecar/admin/servers.h"

#include <gtest/gtest.h>
#include <httplib.h>
#include <unistd.h>

namespace tulle::sidecar::admin {
namespace {

// Servers on ports that nobody else has at the moment.
class ServersTest : public ::testing::Test {
 protected:
  uint16_t FreePort() {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), length), 0);
    getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
    close(fd);
    return ntohs(address.sin_port);
  }
  ServersTest() {
    options_.listen = "127.0.0.1";
    options_.metrics_port = FreePort();
    options_.ready_port = FreePort();
    options_.admin_port = FreePort();
    options_.app_ip = "127.0.0.1";
    options_.probes["app/liveness"].port = 1;
  }
  httplib::Result Get(uint16_t port, const char* path) {
    return httplib::Client("127.0.0.1", port).Get(path);
  }

  Servers::Options options_;
  telemetry::Registry registry_;
  Readiness readiness_;
};

TEST_F(ServersTest, AnswerWhatTheyAreFor) {
  registry_.GetCounter("a_total", "A.").Add(2);
  readiness_.Set("certificate", "identity/no-certificate: not asked yet");
  Servers servers(options_, registry_, readiness_);
  ASSERT_TRUE(servers.Start().ok());
  for (const uint16_t port : {options_.metrics_port, options_.admin_port}) {
    const auto metrics = Get(port, "/metrics");
    ASSERT_TRUE(metrics);
    EXPECT_NE(metrics->body.find("a_total 2\n"), std::string::npos);
  }
  const auto waiting = Get(options_.ready_port, "/ready");
  EXPECT_EQ(waiting->status, 503);
  EXPECT_EQ(waiting->body, "identity/no-certificate: not asked yet\n");
  readiness_.Set("certificate", "");
  EXPECT_EQ(Get(options_.ready_port, "/ready")->status, 200);
  EXPECT_EQ(Get(options_.ready_port, "/probe/app/liveness")->status, 503);
  EXPECT_EQ(Get(options_.ready_port, "/probe/app/readiness")->status, 404);
  EXPECT_EQ(Get(options_.metrics_port, "/probe/app/liveness")->status, 404);
}

TEST_F(ServersTest, CanGoAtOnce) {
  for (int i = 0; i < 5; ++i) {
    Servers servers(options_, registry_, readiness_);
    EXPECT_TRUE(servers.Start().ok());
  }
}

TEST(Readiness, IsALineForEachPartThatIsMissing) {
  Readiness readiness;
  EXPECT_EQ(readiness.Waiting(), "");
  readiness.Set("b", "no config");
  readiness.Set("a", "no certificate");
  readiness.Set("a", "still none");
  EXPECT_EQ(readiness.Waiting(), "still none\nno config\n");
  readiness.Set("a", "");
  readiness.Set("b", "");
  EXPECT_EQ(readiness.Waiting(), "");
}

}  // namespace
}  // namespace tulle::sidecar::admin
