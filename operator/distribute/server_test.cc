#include "operator/distribute/server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "lib/identity/csr.h"
#include "lib/meshconfig/codec.h"
#include "lib/meshconfig/stream.h"
#include "operator/compile/cluster_fixture.h"

namespace tulle::control::distribute {
namespace {

using std::chrono::hours;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

const identity::Time kNow = std::chrono::system_clock::now();

// A client that blocks: plain or TLS, with or without a certificate. Reading gives up after 10 s.
class TestClient {
 public:
  TestClient(uint16_t port, bool tls, const identity::Key* key = nullptr,
             const std::string& certificate = "") {
    fd_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    const timeval patience = {10, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (!tls) return;
    context_.reset(SSL_CTX_new(TLS_client_method()));
    if (key != nullptr) {
      auto leaf = identity::ParseCertificate(certificate);
      SSL_CTX_use_certificate(context_.get(), leaf->get());
      SSL_CTX_use_PrivateKey(context_.get(), key->native());
    }
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), fd_);
    connected_ = SSL_connect(ssl_.get()) == 1;
  }
  ~TestClient() {
    ssl_.reset();
    close(fd_);
  }

  bool connected() const { return connected_; }
  void Send(const std::string& text) {
    if (ssl_) {
      SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size()));
    } else {
      EXPECT_GE(send(fd_, text.data(), text.size(), MSG_NOSIGNAL), 0);
    }
  }
  // Up to the newline, without it; what is left at the end of the connection.
  std::string Line() {
    size_t newline;
    while ((newline = held_.find('\n')) == std::string::npos) {
      if (!Fill()) return std::exchange(held_, "");
    }
    std::string line = held_.substr(0, newline);
    held_.erase(0, newline + 1);
    return line;
  }
  std::string All() {
    while (Fill()) {
    }
    return std::exchange(held_, "");
  }

 private:
  bool Fill() {
    char bytes[16384];
    const ssize_t got = ssl_ ? SSL_read(ssl_.get(), bytes, sizeof bytes) : recv(fd_, bytes, sizeof bytes, 0);
    if (got <= 0) return false;
    held_.append(bytes, static_cast<size_t>(got));
    return true;
  }

  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  int fd_ = -1;
  std::unique_ptr<SSL_CTX, Free> context_;
  std::unique_ptr<SSL, Free> ssl_;
  bool connected_ = false;
  std::string held_;
};

class ServerTest : public testing::Test {
 protected:
  ServerTest() {
    std::signal(SIGPIPE, SIG_IGN);
    std::ofstream(tokens_path_) << "good shop web web-1\n";
    const identity::Key key = identity::Key::Generate();
    tls::Context::Options options;
    options.side = tls::Side::kServer;
    options.key = key.native();
    options.certificate = *issuer_.SignOwn(key, "tulle-system", kNow);
    options.roots = issuer_.bundle();
    options.clients = tls::ClientCertificates::kOptional;
    server_.SetContext(*tls::Context::Make(options));
    port_ = server_.Start()->port();
  }
  ~ServerTest() override {
    server_.Stop();
    std::filesystem::remove(tokens_path_);
  }

  std::string Sign(const std::string& uri) {
    const identity::Subject subject{.uris = {uri}};
    return *root_.Sign(identity::PublicKey::Of(key_), subject, hours(1), kNow);
  }
  static std::string Account(const std::string& ns, const std::string& account) {
    return "spiffe://cluster.local/ns/" + ns + "/sa/" + account;
  }

  std::string Ask(const std::string& request, const std::string& certificate = "") {
    TestClient client(port_, true, certificate.empty() ? nullptr : &key_, certificate);
    client.Send(request);
    return client.All();
  }
  std::string AskCertificate(const std::string& token, const std::string& body) {
    return Ask("POST /v1/certificate HTTP/1.1\r\nHost: op\r\nAuthorization: Bearer " + token +
               "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  }
  static std::string Csr(const std::string& pem) { return nlohmann::json{{"csr", pem}}.dump(); }

  static constexpr const char* kUpgrade =
      "POST /v1/config HTTP/1.1\r\nHost: op\r\nConnection: Upgrade\r\nUpgrade: tulle-config/1\r\n\r\n";
  // An open stream of this account, after the 101.
  std::unique_ptr<TestClient> Stream(const std::string& ns = "shop", const std::string& account = "web") {
    auto client = std::make_unique<TestClient>(port_, true, &key_, Sign(Account(ns, account)));
    client->Send(kUpgrade);
    EXPECT_THAT(client->Line(), StartsWith("HTTP/1.1 101"));
    while (client->Line() != "\r") {
    }
    return client;
  }
  static void Say(TestClient& client, const meshconfig::Message& message) {
    client.Send(meshconfig::EncodeMessage(message));
  }
  static void Hello(TestClient& client, const std::string& pod, const std::string& workload) {
    meshconfig::Message message;
    message.hello = meshconfig::Hello{pod, workload, "test"};
    Say(client, message);
  }
  static void Subscribe(TestClient& client, std::vector<std::string> names) {
    meshconfig::Message message;
    message.subscribe = meshconfig::Subscribe{std::move(names), {}};
    Say(client, message);
  }
  static meshconfig::Update NextUpdate(TestClient& client) {
    const auto message = meshconfig::DecodeMessage(client.Line());
    if (message.ok() && message->update) return *message->update;
    ADD_FAILURE() << "no update";
    return {};
  }
  static void Ack(TestClient& client, int64_t id) {
    meshconfig::Message message;
    message.ack = meshconfig::Ack{id, {}};
    Say(client, message);
  }
  void Publish() { server_.Publish(std::make_shared<const compile::Compiled>(cluster_.Compile())); }

  const std::filesystem::path tokens_path_ =
      std::filesystem::temp_directory_path() / ("tulle-server-tokens-" + std::to_string(getpid()));
  ca::FileTokens tokens_{tokens_path_};
  const identity::Authority root_ = identity::Authority::MakeRoot("root", hours(24), kNow);
  ca::Issuer issuer_{std::move(*identity::Authority::FromPem(root_.CertificatePem(), root_.KeyPem())),
                     tokens_,
                     {"cluster.local", hours(1)}};
  const identity::Key key_ = identity::Key::Generate();
  compile::Cluster cluster_;
  Server server_{{"op-1",
                  {"cluster.local", "tulle-system", "tulle-operator"},
                  *io::SocketAddress::Parse("127.0.0.1", 0)},
                 issuer_};
  uint16_t port_ = 0;
};

TEST_F(ServerTest, SignsForAGoodTokenOnly) {
  const std::string csr = Csr(identity::MakeCsr(identity::Key::Generate()));
  EXPECT_THAT(AskCertificate("good", csr), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(AskCertificate("foreign", csr), StartsWith("HTTP/1.1 401"));
  EXPECT_THAT(AskCertificate("good", Csr("garbage")), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(AskCertificate("good", "{}"), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(AskCertificate("good", "\xff\0garbage"), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(AskCertificate("good", Csr(std::string(20000, 'A'))), StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(AskCertificate("good", Csr(std::string(1 << 20, 'A'))), StartsWith("HTTP/1.1 413"));
}

TEST_F(ServerTest, GarbageOnThePortHarmsNobody) {
  for (const std::string& garbage : {std::string("GET / HTTP/1.0\r\n\r\n"), std::string(100000, '\0'),
                                     std::string("\x16\x03\x01\xff\xff", 5), std::string()}) {
    TestClient plain(port_, false);
    plain.Send(garbage);
    TestClient tls(port_, true);
    EXPECT_TRUE(tls.connected());
    tls.Send(garbage.empty() ? "\r\n" : garbage);
    tls.Send(std::string(100000, 'x') + "\r\n\r\n");
    EXPECT_THAT(tls.All(), StartsWith("HTTP/1.1 4"));
  }
  EXPECT_THAT(Ask("GET /nothing HTTP/1.1\r\nHost: op\r\n\r\n"), StartsWith("HTTP/1.1 404"));
}

TEST_F(ServerTest, AStreamNeedsACertificateAndACluster) {
  EXPECT_THAT(Ask(kUpgrade), StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(Ask(kUpgrade, Sign(Account("shop", "web"))), StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(Ask(kUpgrade, Sign("spiffe://elsewhere/ns/shop/sa/web")), StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(Ask("POST /v1/config HTTP/1.1\r\nHost: op\r\n\r\n", Sign(Account("shop", "web"))),
              StartsWith("HTTP/1.1 426"));
  const identity::Authority foreign = identity::Authority::MakeRoot("foreign", hours(1), kNow);
  const identity::Subject subject{.uris = {Account("shop", "web")}};
  EXPECT_THAT(Ask(kUpgrade, *foreign.Sign(identity::PublicKey::Of(key_), subject, hours(1), kNow)),
              IsEmpty());
}

TEST_F(ServerTest, ChangesReachASubscriber) {
  cluster_.Service("shop/web", "10.0.0.1", {{"http", 80, ""}}).Pod("shop/web-1", "10.1.0.1", "shop/web");
  Publish();
  auto client = Stream();
  Hello(*client, "shop/web-1", "shop/web");
  Subscribe(*client, {"mesh", "address/10.0.0.1", "address/192.0.2.7"});
  meshconfig::Update update = NextUpdate(*client);
  EXPECT_EQ(update.resources.size(), 5u);
  EXPECT_EQ(server_.connected(), 1u);
  Ack(*client, update.id);
  cluster_.Pod("shop/web-2", "10.1.0.2", "shop/web");
  const auto began = std::chrono::steady_clock::now();
  Publish();
  update = NextUpdate(*client);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(500));
  ASSERT_EQ(update.resources.size(), 1u);
  EXPECT_EQ(update.resources[0].name, "endpoints/shop/web");
  const ReplicaReport report = server_.Report();
  ASSERT_EQ(report.sidecars.size(), 1u);
  EXPECT_EQ(report.sidecars[0].pod, "shop/web-1");
  EXPECT_EQ(report.sidecars[0].in_flight.count("endpoints/shop/web"), 1u);
  EXPECT_EQ(*DecodeReport(EncodeReport(report)), report);
}

TEST_F(ServerTest, ASidecarSpeaksForItsOwnNamespaceOnly) {
  Publish();
  auto foreign_pod = Stream();
  Hello(*foreign_pod, "bank/vault-1", "bank/vault");
  EXPECT_THAT(foreign_pod->All(), IsEmpty());
  auto foreign_workload = Stream();
  Hello(*foreign_workload, "shop/web-1", "shop/web");
  Subscribe(*foreign_workload, {"workload/bank/vault"});
  EXPECT_THAT(foreign_workload->All(), IsEmpty());
}

TEST_F(ServerTest, WhoBreaksTheProtocolIsCutOff) {
  Publish();
  auto silent = Stream();
  auto early = Stream();
  Subscribe(*early, {"mesh"});
  EXPECT_THAT(early->All(), IsEmpty());
  auto garbage = Stream();
  garbage->Send("garbage\n");
  EXPECT_THAT(garbage->All(), IsEmpty());
  auto twice = Stream();
  Hello(*twice, "shop/a", "shop/a");
  Hello(*twice, "shop/a", "shop/a");
  EXPECT_THAT(twice->All(), IsEmpty());
  auto acks = Stream();
  Hello(*acks, "shop/b", "shop/b");
  Ack(*acks, 7);
  EXPECT_THAT(acks->All(), IsEmpty());
}

TEST_F(ServerTest, ANewerStreamOfTheSamePodTakesItsPlace) {
  Publish();
  auto old = Stream();
  Hello(*old, "shop/web-1", "shop/web");
  Subscribe(*old, {"mesh"});
  NextUpdate(*old);
  auto fresh = Stream();
  Hello(*fresh, "shop/web-1", "shop/web");
  Subscribe(*fresh, {"mesh"});
  NextUpdate(*fresh);
  EXPECT_THAT(old->All(), IsEmpty());
  EXPECT_EQ(server_.connected(), 1u);
}

TEST_F(ServerTest, OnlyAnOperatorGetsReports) {
  const std::string request = "GET /v1/peer HTTP/1.1\r\nHost: op\r\n\r\n";
  EXPECT_THAT(Ask(request), StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(Ask(request, Sign(Account("shop", "web"))), StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(Ask(request, Sign(Account("shop", "tulle-operator"))), StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(Ask(request, Sign(Account("tulle-system", "tulle-operator"))),
              HasSubstr("\"replica\":\"op-1\""));
}

TEST_F(ServerTest, StopsWithOpenStreams) {
  Publish();
  auto client = Stream();
  Hello(*client, "shop/web-1", "shop/web");
  Subscribe(*client, {"mesh"});
  NextUpdate(*client);
  server_.Stop();
  EXPECT_EQ(server_.Report(), ReplicaReport());
}

}  // namespace
}  // namespace tulle::control::distribute
