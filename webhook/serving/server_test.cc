#include "webhook/serving/server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <unistd.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "lib/telemetry/registry.h"

namespace tulle::webhook::serving {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

const char* kJson = "application/json";
const inject::Settings kSettings = {"tulle/sidecar:1", "tulle/init:1", "cluster.local", "operator:15010",
                                    "PEM"};

ServingCertificate NewCertificate(std::chrono::hours lifetime = std::chrono::hours(1)) {
  return MakeServingCertificate({"localhost"}, lifetime, std::chrono::system_clock::now(), "");
}

class Admission : public ::testing::Test {
 protected:
  Admission()
      : listener_(Listener::Admission(
            slot_, [] { return base::Result<inject::Settings>(kSettings); }, registry_)) {
    EXPECT_TRUE(slot_.Install(NewCertificate()).ok());
    port_ = listener_.Start("127.0.0.1:0").value();
  }

  std::unique_ptr<httplib::SSLClient> Client() {
    auto client = std::make_unique<httplib::SSLClient>("127.0.0.1", port_);
    client->enable_server_certificate_verification(false);
    return client;
  }

  int Connect() {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port_));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    return fd;
  }

  // Sends bytes that are no TLS and waits until the server hangs up.
  void SendGarbage(const std::string& bytes) {
    const int fd = Connect();
    send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    shutdown(fd, SHUT_WR);
    char buffer[256];
    while (recv(fd, buffer, sizeof(buffer), 0) > 0) {
    }
    close(fd);
  }

  bool Works() {
    const auto response =
        Client()->Post("/validate", R"({"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview",
        "request":{"uid":"1","operation":"DELETE"}})",
                       kJson);
    return response && response->status == 200 && Json::parse(response->body)["response"]["allowed"] == true;
  }

  CertificateSlot slot_;
  telemetry::Registry registry_;
  Listener listener_;
  int port_ = 0;
};

TEST_F(Admission, Answers) {
  EXPECT_TRUE(Works());
  EXPECT_THAT(registry_.Scrape(), HasSubstr("tulle_webhook_reviews_total"));
}

TEST_F(Admission, SurvivesGarbageOnItsPort) {
  for (const std::string& bytes :
       {std::string("\0\0\0\0", 4), std::string("GET / HTTP/1.1\r\n\r\n"),
        std::string("\x16\x03\x01\x00\x05hello"), std::string(100000, '\xff'), std::string()}) {
    SendGarbage(bytes);
  }
  EXPECT_TRUE(Works());
}

TEST_F(Admission, RefusesWhatIsMalformedOrTooLarge) {
  EXPECT_EQ(Client()->Post("/mutate", "garbage", kJson)->status, 400);
  EXPECT_EQ(Client()->Post("/mutate", std::string(3 << 20, '['), kJson)->status, 400);
  EXPECT_EQ(Client()->Post("/mutate", std::string((3 << 20) + 1, ' '), kJson)->status, 413);
  EXPECT_EQ(Client()->Post("/mutate", "{}", "text/plain")->status, 415);
  EXPECT_EQ(Client()->Post("/mutate", {{"Content-Encoding", "gzip"}}, "{}", kJson)->status, 415);
  EXPECT_EQ(Client()->Post("/elsewhere", "{}", kJson)->status, 404);
  EXPECT_EQ(Client()->Get("/mutate")->status, 404);
  EXPECT_TRUE(Works());
}

TEST_F(Admission, RefusesABodyWithoutLength) {
  const auto endless = [](size_t offset, httplib::DataSink& sink) {
    const std::string chunk(1 << 16, ' ');
    if (offset > (8 << 20)) {
      sink.done();
      return true;
    }
    return sink.write(chunk.data(), chunk.size());
  };
  const auto response = Client()->Post("/mutate", endless, kJson);
  EXPECT_TRUE(!response || response->status == 411);
  EXPECT_TRUE(Works());
}

TEST_F(Admission, ANewCertificateNeedsNoRestart) {
  const auto served = [this] {
    std::string seen;
    const int fd = Connect();
    SSL_CTX* context = SSL_CTX_new(TLS_client_method());
    SSL* ssl = SSL_new(context);
    SSL_set_fd(ssl, fd);
    EXPECT_EQ(SSL_connect(ssl), 1);
    X509* leaf = SSL_get1_peer_certificate(ssl);
    if (leaf != nullptr) seen = identity::ToPem(leaf);
    X509_free(leaf);
    SSL_free(ssl);
    SSL_CTX_free(context);
    close(fd);
    return seen;
  };
  const ServingCertificate next = NewCertificate();
  EXPECT_NE(served(), next.certificate);
  ASSERT_TRUE(slot_.Install(next).ok());
  EXPECT_EQ(served(), next.certificate);
  EXPECT_FALSE(slot_.Install({next.bundle, next.certificate, NewCertificate().key}).ok());
  EXPECT_EQ(served(), next.certificate);
}

TEST_F(Admission, FinishesWhatItAnswersBeforeItStops) {
  EXPECT_TRUE(Works());
  listener_.Stop();
  EXPECT_FALSE(Works());
  listener_.Stop();
}

TEST(Health, SaysWhyItIsNotReady) {
  telemetry::Registry registry;
  std::string why = "trust bundle not yet published by tulle-operator";
  Listener listener = Listener::Health([&] { return why; }, registry);
  httplib::Client client("127.0.0.1", listener.Start("127.0.0.1:0").value());
  EXPECT_EQ(client.Get("/healthz")->status, 200);
  EXPECT_EQ(client.Get("/readyz")->status, 503);
  EXPECT_EQ(client.Get("/readyz")->body, why + "\n");
  EXPECT_EQ(client.Get("/metrics")->status, 200);
  why.clear();
  EXPECT_EQ(client.Get("/readyz")->status, 200);
}

TEST(Health, SaysWhyItCannotListen) {
  telemetry::Registry registry;
  for (const char* address : {"", "15014", "127.0.0.1:", "127.0.0.1:99999", "127.0.0.1:x"}) {
    Listener listener = Listener::Health([] { return ""; }, registry);
    const auto port = listener.Start(address);
    ASSERT_FALSE(port.ok()) << address;
    EXPECT_THAT(port.failure().what, HasSubstr("health: cannot listen on")) << address;
  }
}

}  // namespace
}  // namespace tulle::webhook::serving
