#include "sidecar/admin/prober.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <thread>

#include "lib/identity/authority.h"
#include "sidecar/admin/limits.h"

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

io::Task<void> RunThenStop(Prober& prober, const AppProbe& probe, ProbeResult& result, io::Loop& loop) {
  result = co_await prober.Run(probe);
  loop.Stop();
}

ProbeResult Check(const std::string& what, uint16_t port, const std::string& more = "") {
  const auto probes =
      ParseAppProbes(R"({"app/liveness":{")" + what + R"(":{"port":)" + std::to_string(port) + more + "}}}");
  EXPECT_TRUE(probes.ok()) << probes.failure().what;
  io::Loop loop;
  Prober prober(loop, *io::SocketAddress::Parse("127.0.0.1", 0));
  ProbeResult result;
  loop.Spawn(RunThenStop(prober, probes->at("app/liveness"), result, loop));
  loop.Run();
  return result;
}

uint16_t ClosedPort() { return TinyServer(Silent).port(); }

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

TEST(HttpProbe, TakesInterimResponsesAndMuchContent) {
  const TinyServer early(Answers("HTTP/1.1 103 Early Hints\r\n\r\n" + Http("200 OK")));
  EXPECT_TRUE(Check("httpGet", early.port()).healthy);
  const TinyServer endless([](int fd) {
    Answers("HTTP/1.1 200 OK\r\n\r\n")(fd);
    const std::string piece(kMaxContentBytes, 'x');
    while (send(fd, piece.data(), piece.size(), MSG_NOSIGNAL) > 0) continue;
  });
  EXPECT_TRUE(Check("httpGet", endless.port()).healthy);
  const TinyServer half(Answers("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"));
  EXPECT_EQ(Check("httpGet", half.port()).status, 503);
}

TEST(HttpProbe, WhatIsNoHttpIsUnhealthy) {
  const TinyServer app(Answers("SSH-2.0-OpenSSH\r\n\r\n"));
  const ProbeResult result = Check("httpGet", app.port());
  EXPECT_EQ(result.status, 503);
  EXPECT_TRUE(result.detail.starts_with("HTTP probe: upstream/")) << result.detail;
}

// Serves one TLS 1.2 connection with a certificate that nobody trusts.
void ServeTls(int fd) {
  const auto now = std::chrono::system_clock::now();
  const auto authority = identity::Authority::MakeRoot("nobody", std::chrono::hours(1), now);
  const auto key = identity::Key::Generate();
  const identity::Subject subject{.dns_names = {"elsewhere"}};
  const std::string leaf =
      *authority.Sign(identity::PublicKey::Of(key), subject, std::chrono::minutes(5), now);
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_use_PrivateKey(context, key.native());
  BIO* pem = BIO_new_mem_buf(leaf.data(), static_cast<int>(leaf.size()));
  X509* certificate = PEM_read_bio_X509(pem, nullptr, nullptr, nullptr);
  SSL_CTX_use_certificate(context, certificate);
  SSL* ssl = SSL_new(context);
  SSL_set_fd(ssl, fd);
  char head[2048];
  if (SSL_accept(ssl) == 1 && SSL_read(ssl, head, sizeof head) > 0) {
    const std::string reply = Http("200 OK");
    SSL_write(ssl, reply.data(), static_cast<int>(reply.size()));
  }
  SSL_free(ssl);
  X509_free(certificate);
  BIO_free(pem);
  SSL_CTX_free(context);
}

TEST(HttpsProbe, TakesAnyCertificate) {
  const TinyServer app(ServeTls);
  const ProbeResult result = Check("httpGet", app.port(), R"(,"scheme":"HTTPS")");
  EXPECT_TRUE(result.healthy) << result.detail;
}

TEST(HttpsProbe, PlaintextIsNoAnswer) {
  const TinyServer app(Answers(Http("200 OK")));
  EXPECT_EQ(Check("httpGet", app.port(), R"(,"scheme":"HTTPS")").status, 503);
}

TEST(TcpProbe, IsHealthyWhenSomebodyListens) {
  const TinyServer app(Silent);
  EXPECT_TRUE(Check("tcpSocket", app.port()).healthy);
  const ProbeResult refused = Check("tcpSocket", ClosedPort());
  EXPECT_FALSE(refused.healthy);
  EXPECT_EQ(refused.detail, "TCP probe: connect: refused");
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
  Health long_named;
  const std::string name(200, 'n');
  EXPECT_TRUE(AskHealth(long_named, name).healthy);
  EXPECT_EQ(long_named.request, std::string("\0\0\0\0\xcb\x0a\xc8\x01", 8) + name);
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
