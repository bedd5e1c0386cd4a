#include "lib/tls/stream.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "lib/identity/authority.h"

namespace tulle::tls {
namespace {

using identity::Authority;
using std::chrono::hours;
using std::chrono::milliseconds;
using Text = std::vector<std::string>;

const identity::Time kNow = std::chrono::system_clock::now();
const std::string kWeb = "spiffe://cluster.local/ns/shop/sa/web";

// One participant: a key and a certificate of some authority.
struct Holder {
  explicit Holder(const Authority& authority, const identity::Time& now = kNow)
      : key(identity::Key::Generate()) {
    const identity::Subject subject{.uris = {kWeb}, .dns_names = {"web.shop"}};
    certificate = *authority.Sign(identity::PublicKey::Of(key), subject, hours(1), now);
  }
  identity::Key key;
  std::string certificate;
};

const Authority& Root() {
  static const Authority root = Authority::MakeRoot("root", hours(48), kNow - hours(24));
  return root;
}
const Authority& OtherRoot() {
  static const Authority root = Authority::MakeRoot("other root", hours(48), kNow - hours(24));
  return root;
}

Context::Options Options(Side side, const Holder* holder, const Authority& trusted = Root()) {
  Context::Options options;
  options.side = side;
  options.roots = trusted.CertificatePem();
  if (holder != nullptr) {
    options.key = holder->key.native();
    options.certificate = holder->certificate;
  }
  return options;
}

std::shared_ptr<const Context> Make(const Context::Options& options) {
  auto made = Context::Make(options);
  EXPECT_TRUE(made.ok()) << made.failure().what;
  return *made;
}

// A client and a server on one loop, and words for what they do.
class TlsTest : public ::testing::Test {
 protected:
  void Connect(const Context::Options& client, const Context::Options& server,
               TlsStream::ClientOptions says = {"tulle/http1", ""}) {
    Do(Dial(Make(client), Make(server), std::move(says)));
  }
  // Both certified by the same root.
  void ConnectWell() {
    Connect(Options(Side::kClient, &holder_), Options(Side::kServer, &holder_));
    ASSERT_EQ(client_result_, io::Error::kNone) << client_->failure();
    ASSERT_EQ(server_result_, io::Error::kNone) << server_->failure();
  }

  void Do(io::Task<void> task) {
    loop_.Spawn(ThenStop(std::move(task)));
    loop_.Run();
  }
  io::Task<void> ThenStop(io::Task<void> task) {
    co_await task;
    loop_.Stop();
  }

  io::Task<void> Dial(std::shared_ptr<const Context> client, std::shared_ptr<const Context> server,
                      TlsStream::ClientOptions says) {
    auto listener = std::move(*io::Listener::Open(loop_, *io::SocketAddress::Parse("127.0.0.1", 0), {}));
    auto connected = co_await io::Connect(loop_, listener->address(), io::kNever);
    const io::Listener::Accepted accepted = co_await listener->Accept();
    client_ = std::make_unique<TlsStream>(std::move(*connected), std::move(client), says);
    server_ =
        std::make_unique<TlsStream>(std::make_unique<io::Socket>(loop_, accepted.fd), std::move(server));
    client_->socket().SetDeadline(io::Clock::now() + milliseconds(5000));
    server_->socket().SetDeadline(io::Clock::now() + milliseconds(5000));
    io::Task<void> serving = Handshake(*server_, server_result_);
    serving.Start();
    co_await Handshake(*client_, client_result_);
    co_await serving;
  }
  io::Task<void> Handshake(TlsStream& stream, io::Error& result) { result = co_await stream.Handshake(); }

  io::Task<void> Read(io::Stream& stream) {
    std::string text(100, '\0');
    const std::span<char> into(text);
    const io::IoResult got = co_await stream.Read(into);
    text.resize(got.bytes);
    said_.push_back(got.ok() ? text : std::string(io::Name(got.error)));
  }
  io::Task<void> Write(io::Stream& stream, std::string text) {
    const std::span<const char> from(text);
    const io::IoResult put = co_await stream.Write(from);
    EXPECT_TRUE(put.ok()) << io::Name(put.error);
  }

  const Holder holder_{Root()};
  io::Loop loop_;
  std::unique_ptr<TlsStream> client_, server_;
  io::Error client_result_ = io::Error::kAgain, server_result_ = io::Error::kAgain;
  Text said_;
};

TEST_F(TlsTest, BothSidesProveWhoTheyAre) {
  ConnectWell();
  for (const TlsStream* stream : {client_.get(), server_.get()}) {
    const auto peer = identity::PeerIdentity(stream->peer_certificate());
    ASSERT_TRUE(peer.ok());
    EXPECT_EQ(identity::Print(*peer), kWeb);
  }
  Do(Write(*client_, "ping"));
  Do(Read(*server_));
  Do(Write(*server_, "pong"));
  Do(Read(*client_));
  EXPECT_EQ(said_, (Text{"ping", "pong"}));
}

TEST_F(TlsTest, AClientRefusesAServerOfAnotherRoot) {
  const Holder stranger(OtherRoot());
  Connect(Options(Side::kClient, &holder_), Options(Side::kServer, &stranger));
  EXPECT_EQ(client_result_, io::Error::kTls);
  EXPECT_NE(client_->failure().find("certificate"), std::string::npos) << client_->failure();
  EXPECT_NE(server_result_, io::Error::kNone);
}

TEST_F(TlsTest, AServerRefusesAClientOfAnotherRoot) {
  const Holder stranger(OtherRoot());
  Connect(Options(Side::kClient, &stranger), Options(Side::kServer, &holder_));
  EXPECT_EQ(server_result_, io::Error::kTls);
  EXPECT_FALSE(server_->failure().empty());
  Do(Read(*client_));  // in TLS 1.3 the client learns it with its first read
  EXPECT_EQ(said_, Text{"tls"});
}

TEST_F(TlsTest, AnExpiredCertificateIsRefused) {
  const Holder expired(Root(), kNow - hours(2));
  Connect(Options(Side::kClient, &holder_), Options(Side::kServer, &expired));
  EXPECT_EQ(client_result_, io::Error::kTls);
  EXPECT_NE(client_->failure().find("expired"), std::string::npos) << client_->failure();
}

TEST_F(TlsTest, AClientWithoutCertificateIsTakenOnlyWhereItIsOptional) {
  Connect(Options(Side::kClient, nullptr), Options(Side::kServer, &holder_));
  EXPECT_EQ(server_result_, io::Error::kTls);

  auto optional = Options(Side::kServer, &holder_);
  optional.clients = ClientCertificates::kOptional;
  Connect(Options(Side::kClient, nullptr), optional);
  EXPECT_EQ(server_result_, io::Error::kNone);
  EXPECT_EQ(server_->peer_certificate(), nullptr);

  const Holder stranger(OtherRoot());
  Connect(Options(Side::kClient, &stranger), optional);
  EXPECT_EQ(server_result_, io::Error::kTls);
}

TEST_F(TlsTest, TheServersNameIsCheckedWhereOneIsExpected) {
  Connect(Options(Side::kClient, &holder_), Options(Side::kServer, &holder_), {"", "web.shop"});
  EXPECT_EQ(client_result_, io::Error::kNone);
  Connect(Options(Side::kClient, &holder_), Options(Side::kServer, &holder_), {"", "db.shop"});
  EXPECT_EQ(client_result_, io::Error::kTls);
}

TEST_F(TlsTest, ProtocolsAreAgreedOnOrRefused) {
  auto server = Options(Side::kServer, &holder_);
  server.alpn = {"tulle/http1", "tulle/tcp"};
  Connect(Options(Side::kClient, &holder_), server, {"tulle/tcp", ""});
  EXPECT_EQ(client_->alpn(), "tulle/tcp");
  EXPECT_EQ(server_->alpn(), "tulle/tcp");
  Connect(Options(Side::kClient, &holder_), server, {"h2", ""});
  EXPECT_NE(client_result_, io::Error::kNone);
  EXPECT_EQ(server_result_, io::Error::kTls);
  Connect(Options(Side::kClient, &holder_), server, {"", ""});
  EXPECT_EQ(server_->alpn(), "");
  EXPECT_EQ(server_result_, io::Error::kNone);
}

TEST_F(TlsTest, TheEndIsSeenAsAnEndAndTheOtherDirectionGoesOn) {
  ConnectWell();
  Do(Write(*client_, "last"));
  client_->ShutdownWrite();
  Do(Read(*server_));
  Do(Read(*server_));
  Do(Write(*server_, "answer"));
  Do(Read(*client_));
  EXPECT_EQ(said_, (Text{"last", "closed", "answer"}));
}

TEST_F(TlsTest, ATruncationIsNotAnEnd) {
  ConnectWell();
  Do(Write(*client_, "half of it"));
  client_->socket().ShutdownWrite();  // FIN without close_notify
  Do(Read(*server_));
  Do(Read(*server_));
  EXPECT_EQ(said_, (Text{"half of it", "reset"}));
}

TEST_F(TlsTest, BytesThatAreNoRecordAreAnError) {
  ConnectWell();
  const std::string garbage = "this is no record at all";
  client_->socket().TryWrite(std::span<const char>(garbage));
  Do(Read(*server_));
  EXPECT_EQ(said_, Text{"tls"});
  EXPECT_FALSE(server_->failure().empty());
}

TEST_F(TlsTest, AHandshakeEndsAtItsDeadline) {
  ConnectWell();
  auto silent = std::make_unique<TlsStream>(std::make_unique<io::Socket>(loop_, dup(client_->socket().fd())),
                                            Make(Options(Side::kServer, &holder_)));
  silent->socket().SetDeadline(io::Clock::now() + milliseconds(10));
  io::Error result = io::Error::kNone;
  Do(Handshake(*silent, result));
  EXPECT_EQ(result, io::Error::kTimedOut);
}

TEST_F(TlsTest, LargeTransfersBothWaysArriveWhole) {
  ConnectWell();
  std::string much(6 << 20, '\0');
  for (size_t i = 0; i < much.size(); ++i) much[i] = static_cast<char>(i * 2654435761u >> 13);
  std::string at_client, at_server;
  const auto read_all = [](io::Stream* stream, std::string* into, size_t total) -> io::Task<void> {
    std::vector<char> space(50000);
    while (into->size() < total) {
      const std::span<char> bytes(space);
      const io::IoResult got = co_await stream->Read(bytes);
      if (!got.ok()) co_return;
      into->append(space.data(), got.bytes);
    }
  };
  io::Task<void> write_client = Write(*client_, much), write_server = Write(*server_, much);
  write_client.Start();
  write_server.Start();
  EXPECT_FALSE(write_client.done());  // nobody reads yet
  io::Task<void> read_client = read_all(client_.get(), &at_client, much.size());
  io::Task<void> read_server = read_all(server_.get(), &at_server, much.size());
  read_client.Start();
  read_server.Start();
  Do(std::move(write_client));
  Do(std::move(write_server));
  Do(std::move(read_client));
  Do(std::move(read_server));
  EXPECT_TRUE(at_client == much);
  EXPECT_TRUE(at_server == much);
}

TEST_F(TlsTest, AReaderThatStopsBoundsWhatIsTaken) {
  ConnectWell();
  const std::string piece(15 << 10, 'x');
  size_t taken = 0;
  for (int i = 0; i < 10000; ++i) taken += client_->TryWrite(std::span<const char>(piece)).bytes;
  EXPECT_LT(taken, 32u << 20);
}

TEST(TlsContext, RefusesWhatCannotWork) {
  const Holder one(Root()), other(Root());
  auto options = Options(Side::kServer, &one);
  options.roots = "no certificate";
  EXPECT_FALSE(Context::Make(options).ok());
  options = Options(Side::kServer, &one);
  options.certificate = other.certificate;
  const auto mismatch = Context::Make(options);
  ASSERT_FALSE(mismatch.ok());
  EXPECT_NE(mismatch.failure().what.find("key"), std::string::npos) << mismatch.failure().what;
  options.certificate = "";
  EXPECT_FALSE(Context::Make(options).ok());
}

}  // namespace
}  // namespace tulle::tls
