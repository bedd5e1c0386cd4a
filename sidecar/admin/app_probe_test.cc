#include "sidecar/admin/app_probe.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <nghttp2/nghttp2.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <thread>

namespace tulle::sidecar::admin {
namespace {

// A server on loopback that hands each connection to `serve`, one after the other, until it goes.
class TinyServer {
 public:
  explicit TinyServer(std::function<void(int)> serve) : listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), length), 0);
    EXPECT_EQ(listen(listener_, 8), 0);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, serve = std::move(serve)] {
      for (int fd; (fd = accept(listener_, nullptr, nullptr)) >= 0; close(fd)) serve(fd);
    });
  }
  ~TinyServer() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }
  uint16_t port() const { return port_; }

 private:
  int listener_;
  uint16_t port_ = 0;
  std::thread thread_;
};

// Reads the head of a request, then answers with these bytes.
std::function<void(int)> Answers(std::string reply, std::string* request = nullptr) {
  return [reply = std::move(reply), request](int fd) {
    std::string head;
    char piece[2048];
    while (head.find("\r\n\r\n") == std::string::npos) {
      const ssize_t got = recv(fd, piece, sizeof piece, 0);
      if (got <= 0) return;
      head.append(piece, static_cast<size_t>(got));
    }
    if (request != nullptr) *request = head;
    send(fd, reply.data(), reply.size(), MSG_NOSIGNAL);
  };
}

std::string Http(const std::string& status) { return "HTTP/1.1 " + status + "\r\nContent-Length: 0\r\n\r\n"; }

// Waits until the client goes.
void Silent(int fd) {
  char byte;
  while (recv(fd, &byte, 1, 0) > 0) continue;
}

AppProbe Probe(const std::string& json) {
  const auto probes = ParseAppProbes(R"({"app/liveness":)" + json + "}");
  EXPECT_TRUE(probes.ok()) << probes.failure().what;
  return probes->at("app/liveness");
}

ProbeResult Check(const std::string& what, uint16_t port, const std::string& more = "") {
  return RunAppProbe(Probe("{\"" + what + R"(":{"port":)" + std::to_string(port) + more + "}}"), "127.0.0.1");
}

uint16_t ClosedPort() { return TinyServer(Silent).port(); }

TEST(AppProbes, AreReadAsTheWebhookWritesThem) {
  const AppProbe http = Probe(R"({"httpGet":{"port":8080,"path":"healthz","scheme":"HTTPS","httpHeaders":[
      {"name":"host","value":"web.shop"},{"name":"X-A","value":"1"}]},"timeoutSeconds":7})");
  EXPECT_EQ(http.kind, AppProbe::Kind::kHttp);
  EXPECT_EQ(http.port, 8080);
  EXPECT_EQ(http.path, "/healthz");
  EXPECT_EQ(http.scheme, "HTTPS");
  EXPECT_EQ(http.host, "web.shop");
  EXPECT_EQ(http.headers, (std::vector<std::pair<std::string, std::string>>{{"X-A", "1"}}));
  EXPECT_EQ(http.timeout_seconds, 7);

  const AppProbe grpc = Probe(R"({"grpc":{"port":9000,"service":"db"}})");
  EXPECT_EQ(grpc.kind, AppProbe::Kind::kGrpc);
  EXPECT_EQ(grpc.service, "db");
  EXPECT_EQ(grpc.timeout_seconds, 1);
  EXPECT_EQ(Probe(R"({"tcpSocket":{"port":1},"timeoutSeconds":0})").timeout_seconds, 1);
  EXPECT_TRUE(ParseAppProbes("")->empty());
}

TEST(AppProbes, NonsenseIsRefusedAndNamed) {
  for (const char* text : {"x", "[]", "3", R"({"a/b":{}})", R"({"a/b":3})",
                           R"({"a/b":{"httpGet":{"port":"web"}}})", R"({"a/b":{"tcpSocket":{"port":0}}})",
                           R"({"a/b":{"httpGet":{"port":1,"httpHeaders":3}}})", R"({"a/b":{"grpc":7}})"}) {
    const auto probes = ParseAppProbes(text);
    ASSERT_FALSE(probes.ok()) << text;
    EXPECT_TRUE(probes.failure().what.starts_with("TULLE_PROBES")) << probes.failure().what;
  }
}

TEST(HttpProbe, IsHealthyFrom200To399) {
  for (const auto& [status, healthy] : {std::pair{"200 OK", true},
                                        {"204 None", true},
                                        {"302 Found", true},
                                        {"404 No", false},
                                        {"500 No", false}}) {
    const TinyServer app(Answers(Http(status)));
    const ProbeResult result = Check("httpGet", app.port());
    EXPECT_EQ(result.healthy, healthy) << status;
    EXPECT_EQ(result.status, healthy ? 200 : std::atoi(status)) << result.detail;
  }
}

TEST(HttpProbe, AsksAsItWasTold) {
  std::string request;
  {
    const TinyServer app(Answers(Http("200 OK"), &request));
    const std::string headers = R"([{"name":"Host","value":"web"},{"name":"X-A","value":"1"}])";
    EXPECT_TRUE(Check("httpGet", app.port(), R"(,"path":"/ready?x=1","httpHeaders":)" + headers).healthy);
  }
  EXPECT_TRUE(request.starts_with("GET /ready?x=1 HTTP/1.1\r\n")) << request;
  EXPECT_NE(request.find("Host: web\r\n"), std::string::npos) << request;
  EXPECT_NE(request.find("X-A: 1\r\n"), std::string::npos) << request;
  EXPECT_NE(request.find("kube-probe/"), std::string::npos) << request;
}

TEST(HttpProbe, NobodyThereOrNoAnswerIs503) {
  const ProbeResult refused = Check("httpGet", ClosedPort());
  EXPECT_FALSE(refused.healthy);
  EXPECT_EQ(refused.status, 503);
  const TinyServer app(Silent);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(Check("httpGet", app.port()).status, 503);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(3));
}

TEST(TcpProbe, IsHealthyWhenSomebodyListens) {
  const TinyServer app(Silent);
  EXPECT_TRUE(Check("tcpSocket", app.port()).healthy);
  const ProbeResult refused = Check("tcpSocket", ClosedPort());
  EXPECT_FALSE(refused.healthy);
  EXPECT_EQ(refused.detail, "TCP probe: Connection refused");
}

// What a gRPC server answers to Check: its message, and the trailer grpc-status.
struct Health {
  std::string message = std::string("\0\0\0\0\x02\x08\x01", 7);
  std::string status = "0";
  std::string path;     // asked for
  std::string request;  // sent
  size_t sent = 0;
  bool answered = false;
};

nghttp2_nv Pair(const char* name, const std::string& value) {
  return {reinterpret_cast<uint8_t*>(const_cast<char*>(name)),
          reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())), std::strlen(name), value.size(),
          NGHTTP2_NV_FLAG_NONE};
}

ssize_t ReadMessage(nghttp2_session* session, int32_t stream, uint8_t* into, size_t length, uint32_t* flags,
                    nghttp2_data_source*, void* user) {
  auto* health = static_cast<Health*>(user);
  const size_t bytes = std::min(length, health->message.size() - health->sent);
  std::memcpy(into, health->message.data() + health->sent, bytes);
  health->sent += bytes;
  if (health->sent == health->message.size()) {
    *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
    const nghttp2_nv trailer = Pair("grpc-status", health->status);
    nghttp2_submit_trailer(session, stream, &trailer, 1);
  }
  return static_cast<ssize_t>(bytes);
}

int OnHeader(nghttp2_session*, const nghttp2_frame*, const uint8_t* name, size_t name_length,
             const uint8_t* value, size_t value_length, uint8_t, void* user) {
  if (std::string_view(reinterpret_cast<const char*>(name), name_length) == ":path")
    static_cast<Health*>(user)->path.assign(reinterpret_cast<const char*>(value), value_length);
  return 0;
}

int OnData(nghttp2_session*, uint8_t, int32_t, const uint8_t* data, size_t length, void* user) {
  static_cast<Health*>(user)->request.append(reinterpret_cast<const char*>(data), length);
  return 0;
}

int OnFrame(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
  if (frame->hd.type != NGHTTP2_DATA || !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM)) return 0;
  const std::string status = "200", type = "application/grpc";
  const nghttp2_nv headers[] = {Pair(":status", status), Pair("content-type", type)};
  nghttp2_data_provider body{};
  body.read_callback = &ReadMessage;
  static_cast<Health*>(user)->answered = true;
  return nghttp2_submit_response(session, frame->hd.stream_id, headers, 2, &body);
}

// One HTTP/2 connection with one call on it.
void ServeHealth(int fd, Health& health) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, &OnHeader);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, &OnData);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, &OnFrame);
  nghttp2_session* session = nullptr;
  nghttp2_session_server_new(&session, callbacks, &health);
  nghttp2_session_callbacks_del(callbacks);
  nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, nullptr, 0);
  uint8_t bytes[4096];
  for (;;) {
    const uint8_t* out = nullptr;
    for (ssize_t length; (length = nghttp2_session_mem_send(session, &out)) > 0;)
      send(fd, out, static_cast<size_t>(length), MSG_NOSIGNAL);
    const ssize_t got = recv(fd, bytes, sizeof bytes, 0);
    if (got <= 0 || nghttp2_session_mem_recv(session, bytes, static_cast<size_t>(got)) < 0) break;
  }
  nghttp2_session_del(session);
}

ProbeResult AskHealth(Health& health, const std::string& service = "") {
  const TinyServer app([&health](int fd) { ServeHealth(fd, health); });
  return Check("grpc", app.port(), R"(,"service":")" + service + "\"");
}

TEST(GrpcProbe, AsksTheStandardQuestion) {
  Health health;
  const ProbeResult result = AskHealth(health, "shop.Db");
  EXPECT_TRUE(result.healthy) << result.detail;
  EXPECT_EQ(health.path, "/grpc.health.v1.Health/Check");
  EXPECT_EQ(health.request, std::string("\0\0\0\0\x09\x0a\x07", 7) + "shop.Db");
  Health whole;
  EXPECT_TRUE(AskHealth(whole).healthy);
  EXPECT_EQ(whole.request, std::string(5, '\0'));
}

TEST(GrpcProbe, OnlyServingIsHealthy) {
  Health not_serving;
  not_serving.message = std::string("\0\0\0\0\x02\x08\x02", 7);
  EXPECT_EQ(AskHealth(not_serving).detail, "gRPC health: not serving");
  Health unknown;
  unknown.message = std::string(5, '\0');
  EXPECT_FALSE(AskHealth(unknown).healthy);
  Health unimplemented;
  unimplemented.status = "12";
  const ProbeResult result = AskHealth(unimplemented);
  EXPECT_EQ(result.detail, "gRPC health: status 12");
  EXPECT_EQ(result.status, 503);
}

TEST(GrpcProbe, WhatIsNoGrpcServerIsUnhealthy) {
  const TinyServer http1(Answers(Http("200 OK")));
  EXPECT_FALSE(Check("grpc", http1.port()).healthy);
  const TinyServer silent(Silent);
  EXPECT_EQ(Check("grpc", silent.port()).detail, "gRPC health: no answer in time");
  EXPECT_FALSE(Check("grpc", ClosedPort()).healthy);
}

}  // namespace
}  // namespace tulle::sidecar::admin
