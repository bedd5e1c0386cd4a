#include "sidecar/admin/servers.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>

#include "sidecar/admin/limits.h"

namespace tulle::sidecar::admin {
namespace {

using Steady = std::chrono::steady_clock;

sockaddr_in Loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// A listener that takes no connection; its port is nobody else's.
class Deaf {
 public:
  Deaf() : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = Loopback(0);
    socklen_t length = sizeof address;
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), length), 0);
    EXPECT_EQ(listen(fd_, 8), 0);
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
  }
  ~Deaf() { close(fd_); }
  uint16_t port() const { return port_; }

 private:
  int fd_;
  uint16_t port_ = 0;
};

class Client {
 public:
  explicit Client(uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval limit{20, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    const sockaddr_in address = Loopback(port);
    EXPECT_EQ(connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  Client(Client&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~Client() {
    if (fd_ >= 0) close(fd_);
  }
  bool Send(const std::string& text) {
    return send(fd_, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
  }
  // All that comes until the connection ends.
  std::string ReadAll() {
    std::string text;
    char piece[4096];
    for (ssize_t got; (got = recv(fd_, piece, sizeof piece, 0)) > 0;)
      text.append(piece, static_cast<size_t>(got));
    return text;
  }
  bool ended() {
    char byte;
    const ssize_t got = recv(fd_, &byte, 1, MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno != EAGAIN);
  }

 private:
  int fd_;
};

struct Page {
  int status = 0;
  std::string head;
  std::string body;
};

Page Ask(uint16_t port, const std::string& request) {
  Client client(port);
  client.Send(request);
  const std::string text = client.ReadAll();
  const size_t end = text.find("\r\n\r\n");
  if (!text.starts_with("HTTP/1.1 ") || end == std::string::npos) return {};
  return {std::atoi(text.c_str() + 9), text.substr(0, end + 2), text.substr(end + 4)};
}

Page Get(uint16_t port, const std::string& path) {
  return Ask(port, "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n");
}

// Servers on ports that nobody else has at the moment.
class ServersTest : public ::testing::Test {
 protected:
  ServersTest() {
    options_.listen_v4 = *io::SocketAddress::Parse("127.0.0.1", 0);
    options_.listen_v6 = *io::SocketAddress::Parse("::1", 0);
    options_.metrics_port = Deaf().port();
    options_.ready_port = Deaf().port();
    options_.admin_port = Deaf().port();
    options_.app = options_.listen_v4;
    options_.probes["app/liveness"].port = 1;
  }
  void AddSlowProbe(uint16_t port, int timeout_seconds) {
    AppProbe& probe = options_.probes["app/slow"];
    probe.kind = AppProbe::Kind::kHttp;
    probe.port = port;
    probe.timeout_seconds = timeout_seconds;
  }
  // The metric says so.
  bool Hit(const std::string& limit) {
    const std::string line = "tulle_limits_total{limit=\"" + limit + "\",worker=\"admin\"} ";
    const std::string text = registry_.Scrape();
    const size_t at = text.find(line);
    EXPECT_NE(at, std::string::npos) << text;
    return at != std::string::npos && text[at + line.size()] != '0';
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
    const Page metrics = Get(port, "/metrics?name=all");
    EXPECT_EQ(metrics.status, 200);
    EXPECT_NE(metrics.head.find("content-type: text/plain; version=0.0.4\r\n"), std::string::npos);
    EXPECT_NE(metrics.body.find("a_total 2\n"), std::string::npos);
  }
  const Page waiting = Get(options_.ready_port, "/ready");
  EXPECT_EQ(waiting.status, 503);
  EXPECT_EQ(waiting.body, "identity/no-certificate: not asked yet\n");
  readiness_.Set("certificate", "");
  EXPECT_EQ(Get(options_.ready_port, "/ready").status, 200);
  EXPECT_EQ(Get(options_.ready_port, "/probe/app/liveness").status, 503);
  for (const char* path : {"/probe/app/readiness", "/probe/", "/metrics", "/"}) {
    EXPECT_EQ(Get(options_.ready_port, path).status, 404) << path;
  }
  EXPECT_EQ(Get(options_.metrics_port, "/probe/app/liveness").status, 404);
}

TEST_F(ServersTest, CanGoAtOnce) {
  for (int i = 0; i < 5; ++i) {
    Servers servers(options_, registry_, readiness_);
    EXPECT_TRUE(servers.Start().ok());
  }
}

TEST_F(ServersTest, APortThatIsTakenIsAFailure) {
  const Deaf other;
  options_.ready_port = other.port();
  Servers servers(options_, registry_, readiness_);
  const auto started = servers.Start();
  ASSERT_FALSE(started.ok());
  EXPECT_NE(started.failure().what.find(std::to_string(other.port())), std::string::npos);
}

TEST_F(ServersTest, HeadIsAnsweredWithoutContent) {
  Servers servers(options_, registry_, readiness_);
  ASSERT_TRUE(servers.Start().ok());
  const Page page = Ask(options_.ready_port, "HEAD /ready HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(page.status, 200);
  EXPECT_NE(page.head.find("content-length: 6\r\n"), std::string::npos) << page.head;
  EXPECT_NE(page.head.find("connection: close\r\n"), std::string::npos) << page.head;
  EXPECT_EQ(page.body, "");
}

TEST_F(ServersTest, OtherMethodsAreRefused) {
  Servers servers(options_, registry_, readiness_);
  ASSERT_TRUE(servers.Start().ok());
  const Page page =
      Ask(options_.ready_port, "POST /ready HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
  EXPECT_EQ(page.status, 405);
  EXPECT_NE(page.head.find("allow: GET, HEAD\r\n"), std::string::npos) << page.head;
}

TEST_F(ServersTest, ABadRequestIsToldWhy) {
  Servers servers(options_, registry_, readiness_);
  ASSERT_TRUE(servers.Start().ok());
  const Page nonsense = Ask(options_.ready_port, "\x16\x03\x01 hello\r\n\r\n");
  EXPECT_EQ(nonsense.status, 400);
  EXPECT_TRUE(nonsense.body.starts_with("http/")) << nonsense.body;
  const std::string filler = "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(kMaxRequestBytes, 'x');
  EXPECT_EQ(Ask(options_.ready_port, filler).status, 431);
  EXPECT_TRUE(Hit("head-bytes"));
}

TEST_F(ServersTest, DrippingAndSilentClientsAreEnded) {
  Servers servers(options_, registry_, readiness_);
  ASSERT_TRUE(servers.Start().ok());
  const auto start = Steady::now();
  Client silent(options_.metrics_port), dripping(options_.metrics_port);
  ASSERT_TRUE(dripping.Send("GET /metrics HTTP/1.1\r\n"));
  while (!dripping.ended() && Steady::now() - start < 3 * kHeadTime) {
    dripping.Send("a");
    usleep(50'000);
  }
  EXPECT_GE(Steady::now() - start, kHeadTime);
  EXPECT_LT(Steady::now() - start, 3 * kHeadTime);
  EXPECT_EQ(silent.ReadAll(), "");
  EXPECT_LT(Steady::now() - start, 3 * kHeadTime);
  EXPECT_TRUE(Hit("head-time"));
}

TEST_F(ServersTest, AFullHouseStillAnswers) {
  Servers servers(options_, registry_, readiness_);
  ASSERT_TRUE(servers.Start().ok());
  std::vector<Client> crowd;
  for (size_t i = 0; i < kMaxClients + 10; ++i) crowd.emplace_back(options_.ready_port);
  const auto start = Steady::now();
  EXPECT_EQ(Get(options_.ready_port, "/ready").status, 200);
  EXPECT_LT(Steady::now() - start, kHeadTime);
  EXPECT_TRUE(Hit("connections"));
  EXPECT_EQ(crowd.front().ReadAll(), "");
  EXPECT_LT(Steady::now() - start, kHeadTime);
}

TEST_F(ServersTest, WhoHasAskedIsNotPushedOut) {
  const Deaf app;
  AddSlowProbe(app.port(), 1);
  Servers servers(options_, registry_, readiness_);
  ASSERT_TRUE(servers.Start().ok());
  Client patient(options_.ready_port);
  ASSERT_TRUE(patient.Send("GET /probe/app/slow HTTP/1.1\r\nHost: a\r\n\r\n"));
  usleep(100'000);
  std::vector<Client> crowd;
  for (size_t i = 0; i < 2 * kMaxClients; ++i) crowd.emplace_back(options_.ready_port);
  EXPECT_TRUE(patient.ReadAll().starts_with("HTTP/1.1 503 "));
}

TEST_F(ServersTest, ASlowProbeEndsAtItsTimeoutAndHoldsUpNobody) {
  const Deaf app;
  AddSlowProbe(app.port(), 3);
  Servers servers(options_, registry_, readiness_);
  ASSERT_TRUE(servers.Start().ok());
  const auto start = Steady::now();
  Client slow(options_.ready_port);
  ASSERT_TRUE(slow.Send("GET /probe/app/slow HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_EQ(Get(options_.ready_port, "/ready").status, 200);
  EXPECT_EQ(Get(options_.metrics_port, "/metrics").status, 200);
  EXPECT_LT(Steady::now() - start, std::chrono::seconds(2));
  const std::string reply = slow.ReadAll();
  EXPECT_TRUE(reply.starts_with("HTTP/1.1 503 ")) << reply;
  EXPECT_TRUE(reply.ends_with("HTTP probe: no answer in time\n")) << reply;
  EXPECT_GE(Steady::now() - start, std::chrono::seconds(3));
  EXPECT_LT(Steady::now() - start, std::chrono::seconds(5));
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
