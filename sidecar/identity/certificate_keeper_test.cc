#include "sidecar/identity/certificate_keeper.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "lib/identity/authority.h"
#include "lib/identity/csr.h"
#include "lib/tls/stream.h"

namespace tulle::sidecar::identity {
namespace {

namespace id = ::tulle::identity;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::system_clock;

constexpr const char* kName = "tulle-operator.tulle-system.svc";
const std::string kWeb = "spiffe://cluster.local/ns/shop/sa/web";

// An operator on loopback that signs what it is asked for, or answers what the test tells it to.
class FakeOperator {
 public:
  explicit FakeOperator(io::Loop& loop)
      : loop_(loop),
        root_(id::Authority::MakeRoot("root", hours(24), system_clock::now())),
        key_(id::Key::Generate()),
        listener_(std::move(*io::Listener::Open(loop, *io::SocketAddress::Parse("127.0.0.1", 0), {}))) {
    const id::Subject subject{.uris = {}, .dns_names = {kName}};
    tls::Context::Options options;
    options.side = tls::Side::kServer;
    options.key = key_.native();
    options.certificate = *root_.Sign(id::PublicKey::Of(key_), subject, hours(1), system_clock::now());
    options.roots = root_.CertificatePem();
    options.clients = tls::ClientCertificates::kOptional;
    context_ = *tls::Context::Make(options);
    loop_.Spawn(Serve());
  }

  OperatorAddress address() const { return *ParseOperatorAddress(listener_->address().Text()); }
  const id::Authority& root() const { return root_; }

  // Instead of a certificate, while it is set.
  std::string answer;
  // Of the certificates; leaves begin a minute ago.
  seconds lifetime = hours(1);
  const id::Authority* bundle = nullptr;  // instead of its own root
  int requests = 0;
  std::string last_token;

 private:
  io::Task<void> Serve() {
    for (;;) {
      const io::Listener::Accepted accepted = co_await listener_->Accept();
      tls::TlsStream stream(std::make_unique<io::Socket>(loop_, accepted.fd), context_);
      const io::Error shaken = co_await stream.Handshake();
      if (shaken != io::Error::kNone) continue;
      std::string request;
      while (!Whole(request)) {
        char piece[4096];
        const std::span<char> into(piece);
        const io::IoResult got = co_await stream.Read(into);
        if (!got.ok()) break;
        request.append(piece, got.bytes);
      }
      if (!Whole(request)) continue;
      ++requests;
      const std::string reply = answer.empty() ? Sign(request) : answer;
      const std::span<const char> bytes(reply);
      co_await stream.Write(bytes);
    }
  }

  static bool Whole(const std::string& request) {
    const size_t end = request.find("\r\n\r\n");
    const size_t length = request.find("Content-Length: ");
    return end != std::string::npos && request.size() >= end + 4 + std::stoul(request.substr(length + 16));
  }

  std::string Sign(const std::string& request) {
    const size_t token = request.find("Bearer ") + 7;
    last_token = request.substr(token, request.find("\r\n", token) - token);
    const auto body = nlohmann::json::parse(request.substr(request.find("\r\n\r\n")));
    const auto key = id::ReadCsr(body["csr"].get<std::string>());
    const id::Subject subject{.uris = {kWeb}};
    const auto leaf = root_.Sign(*key, subject, lifetime, system_clock::now());
    return Http(200, {{"certificate", *leaf},
                      {"bundle", bundle != nullptr ? bundle->CertificatePem() : root_.CertificatePem()}});
  }

 public:
  static std::string Http(int status, const nlohmann::json& body) {
    const std::string text = body.dump();
    return "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: " + std::to_string(text.size()) +
           "\r\n\r\n" + text;
  }

 private:
  io::Loop& loop_;
  id::Authority root_;
  id::Key key_;
  std::unique_ptr<io::Listener> listener_;
  std::shared_ptr<const tls::Context> context_;
};

// A keeper beside its operator, with a state directory in memory.
class KeeperTest : public ::testing::Test {
 protected:
  KeeperTest() : folder_("/dev/shm/tulle-keeper-XXXXXX"), fake_(loop_) {
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
    state_ = std::make_unique<StateDir>(folder_);
    std::ofstream(folder_ + "/token") << "the-token\n";
  }
  ~KeeperTest() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<CertificateKeeper> Keeper() {
    return std::make_unique<CertificateKeeper>(
        loop_, CertificateKeeper::Options{fake_.address(), fake_.root().CertificatePem(), folder_ + "/token"},
        *state_, [this](const Certified& certified) { published_.push_back(certified); });
  }

  // Lets `keeper` work until this many certificates were published, or the time is over.
  void Run(CertificateKeeper& keeper, size_t certificates, milliseconds limit = milliseconds(3000)) {
    const size_t until = published_.size() + certificates;
    io::Task<void> running = keeper.Run();
    running.Start();
    io::Task<void> watching = StopAt(until, io::Clock::now() + limit);
    watching.Start();
    loop_.Run();
  }
  io::Task<void> StopAt(size_t certificates, io::TimePoint limit) {
    while (published_.size() < certificates && io::Clock::now() < limit)
      co_await loop_.Sleep(milliseconds(1));
    loop_.Stop();
  }

  std::string folder_;
  io::Loop loop_;
  FakeOperator fake_;
  std::unique_ptr<StateDir> state_;
  std::vector<Certified> published_;
};

TEST_F(KeeperTest, GetsACertificateForItsToken) {
  const auto keeper = Keeper();
  EXPECT_EQ(keeper->problem(), "identity/no-certificate: not asked yet");
  Run(*keeper, 1);
  ASSERT_EQ(published_.size(), 1u);
  EXPECT_EQ(published_[0].identity, kWeb);
  EXPECT_EQ(published_[0].roots, fake_.root().CertificatePem());
  EXPECT_EQ(fake_.last_token, "the-token");
  EXPECT_EQ(keeper->problem(), "");
}

TEST_F(KeeperTest, RenewsAtHalfOfTheLifeWithAnotherKey) {
  fake_.lifetime = seconds(4);
  const auto keeper = Keeper();
  Run(*keeper, 3, milliseconds(10000));
  ASSERT_EQ(published_.size(), 3u);
  EXPECT_NE(published_[0].key->ToPem(), published_[1].key->ToPem());
  fake_.lifetime = hours(1);
  Run(*keeper, 2, milliseconds(300));
  EXPECT_LE(fake_.requests, 5);
}

TEST_F(KeeperTest, ARefusalIsTheReasonWhyThePodIsNotReadyAndHealsByItself) {
  fake_.answer = FakeOperator::Http(403, {{"error", "the token is for another audience"}});
  const auto keeper = Keeper();
  Run(*keeper, 1, milliseconds(1000));
  EXPECT_TRUE(published_.empty());
  EXPECT_EQ(keeper->problem(),
            "identity/no-certificate: the operator refused: 403 the token is for another audience");
  EXPECT_GE(fake_.requests, 1);
  fake_.answer.clear();
  Run(*keeper, 1);
  EXPECT_EQ(keeper->problem(), "");
}

TEST_F(KeeperTest, AnswersWithoutSenseAreRefused) {
  const auto keeper = Keeper();
  const std::string certificate = fake_.root().CertificatePem();
  const id::Key other = id::Key::Generate();
  const id::Subject subject{.uris = {kWeb}};
  const std::string foreign =
      *fake_.root().Sign(id::PublicKey::Of(other), subject, hours(1), system_clock::now());
  for (const nlohmann::json& body :
       {nlohmann::json("text"), nlohmann::json::object(), nlohmann::json{{"certificate", 1}, {"bundle", 2}},
        nlohmann::json{{"error", 3}}, nlohmann::json{{"certificate", certificate}, {"bundle", certificate}},
        nlohmann::json{{"certificate", foreign}, {"bundle", certificate}}}) {
    fake_.answer = FakeOperator::Http(200, body);
    Run(*keeper, 1, milliseconds(60));
    EXPECT_TRUE(published_.empty()) << body;
  }
}

TEST_F(KeeperTest, ABundleWithoutRootsIsNotAdopted) {
  const id::Key key = id::Key::Generate();
  fake_.answer = "";
  const auto keeper = Keeper();
  Run(*keeper, 1);
  ASSERT_EQ(published_.size(), 1u);
  ASSERT_TRUE(*state_->Write("roots.pem", "", true));
  const auto restarted = Keeper();
  Run(*restarted, 1);
  ASSERT_EQ(published_.size(), 2u);
  EXPECT_NE(published_[1].roots, "");
}

TEST_F(KeeperTest, WithoutATokenNobodyIsAsked) {
  std::filesystem::remove(folder_ + "/token");
  const auto keeper = Keeper();
  Run(*keeper, 1, milliseconds(50));
  EXPECT_EQ(fake_.requests, 0);
  EXPECT_NE(keeper->problem().find("no token in " + folder_), std::string::npos);
}

TEST_F(KeeperTest, ARestartedSidecarNeedsNoOperator) {
  Run(*Keeper(), 1);
  fake_.answer = FakeOperator::Http(503, {});
  const auto restarted = Keeper();
  Run(*restarted, 1);
  ASSERT_EQ(published_.size(), 2u);
  EXPECT_EQ(published_[1].certificate, published_[0].certificate);
  EXPECT_EQ(published_[1].key->ToPem(), published_[0].key->ToPem());
  EXPECT_EQ(restarted->problem(), "");
  EXPECT_EQ(fake_.requests, 1);
}

TEST_F(KeeperTest, AKeyOfAnotherCertificateIsNotUsed) {
  Run(*Keeper(), 1);
  ASSERT_TRUE(*state_->Write("key.pem", id::Key::Generate().ToPem(), true));
  Run(*Keeper(), 1);
  EXPECT_EQ(fake_.requests, 2);
  EXPECT_NE(published_.back().certificate, published_.front().certificate);
}

TEST_F(KeeperTest, AnOperatorOfAnotherRootGetsNoToken) {
  const id::Authority other = id::Authority::MakeRoot("other", hours(1), system_clock::now());
  CertificateKeeper keeper(loop_, {fake_.address(), other.CertificatePem(), folder_ + "/token"}, *state_,
                           [this](const Certified& certified) { published_.push_back(certified); });
  Run(keeper, 1, milliseconds(100));
  EXPECT_EQ(fake_.requests, 0);
  EXPECT_NE(keeper.problem().find("TLS"), std::string::npos) << keeper.problem();
  keeper.SetRoots(fake_.root().CertificatePem());
  Run(keeper, 1);
  EXPECT_EQ(published_.size(), 1u);
}

TEST_F(KeeperTest, NewRootsArePublishedWithTheCertificateThatWeHave) {
  const auto keeper = Keeper();
  Run(*keeper, 1);
  const std::string both = fake_.root().CertificatePem() +
                           id::Authority::MakeRoot("next", hours(1), system_clock::now()).CertificatePem();
  keeper->SetRoots("");
  EXPECT_EQ(published_.size(), 1u);
  keeper->SetRoots(both);
  keeper->SetRoots(both);
  ASSERT_EQ(published_.size(), 2u);
  EXPECT_EQ(published_[1].roots, both);
  EXPECT_EQ(published_[1].certificate, published_[0].certificate);
}

TEST(OperatorAddress, IsHostAndPort) {
  EXPECT_EQ(ParseOperatorAddress("tulle-operator.tulle-system.svc:15010")->server_name, kName);
  EXPECT_EQ(ParseOperatorAddress("operator.test:1")->server_name, "operator.test");
  EXPECT_EQ(ParseOperatorAddress("127.0.0.1:15010")->server_name, kName);
  EXPECT_EQ(ParseOperatorAddress("127.0.0.1:15010")->port, 15010);
  for (const char* text : {"", "host", ":1", "host:", "host:0", "host:65536", "host:x"})
    EXPECT_FALSE(ParseOperatorAddress(text).ok()) << text;
}

}  // namespace
}  // namespace tulle::sidecar::identity
