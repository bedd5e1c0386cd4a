#include "sidecar/upstream/dialer.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "lib/identity/authority.h"
#include "lib/tls/stream.h"

namespace tulle::sidecar::upstream {
namespace {

namespace id = ::tulle::identity;
using std::chrono::hours;
using std::chrono::milliseconds;

const std::string kWeb = "spiffe://cluster.local/ns/shop/sa/web";
const std::string kDb = "spiffe://cluster.local/ns/shop/sa/db";
const id::Time kNow = std::chrono::system_clock::now();

// A peer sidecar on loopback that is kDb, and a dialer that is kWeb.
class DialerTest : public ::testing::Test {
 protected:
  DialerTest()
      : listener_(std::move(*io::Listener::Open(loop_, *io::SocketAddress::Parse("127.0.0.1", 0), {}))) {
    dialer_.SetContext(ContextOf(tls::Side::kClient, kWeb, root_));
  }

  static std::shared_ptr<const tls::Context> ContextOf(tls::Side side, const std::string& identity,
                                                       const id::Authority& root) {
    const id::Key key = id::Key::Generate();
    const id::Subject subject{.uris = {identity}};
    tls::Context::Options options;
    options.side = side;
    options.key = key.native();
    options.certificate = *root.Sign(id::PublicKey::Of(key), subject, hours(1), kNow);
    options.roots = root.CertificatePem();
    if (side == tls::Side::kServer) options.alpn = {std::string(kHttp1Alpn), std::string(kTcpAlpn)};
    return *tls::Context::Make(options);
  }

  io::Task<void> Serve(std::shared_ptr<const tls::Context> context) {
    const io::Listener::Accepted accepted = co_await listener_->Accept();
    tls::TlsStream stream(std::make_unique<io::Socket>(loop_, accepted.fd), std::move(context));
    const io::Error outcome = co_await stream.Handshake();
    if (outcome == io::Error::kNone) served_alpn_ = stream.alpn();
    co_await loop_.Sleep(milliseconds(60000));
  }

  // "connected", or the reason of the failure.
  std::string Dial(const std::string& identity, milliseconds timeout = milliseconds(2000)) {
    const Target target{listener_->address(), identity};
    io::Task<void> dialing = DialInto(target, timeout);
    loop_.Spawn(std::move(dialing));
    loop_.Run();
    return said_;
  }
  io::Task<void> DialInto(Target target, milliseconds timeout) {
    auto dialed = co_await dialer_.Dial(target, kTcpAlpn, timeout);
    said_ = dialed ? "connected" : dialed.failure().reason;
    if (!dialed) detail_ = dialed.failure().detail;
    loop_.Stop();
  }

  static io::Task<void> DialWith(Dialer& dialer, Target target, milliseconds timeout,
                                 std::vector<std::string>& said) {
    auto dialed = co_await dialer.Dial(target, kTcpAlpn, timeout);
    said.push_back(dialed ? "connected" : dialed.failure().reason);
  }
  io::Task<void> StopAfter(milliseconds time) {
    co_await loop_.Sleep(time);
    loop_.Stop();
  }

  const id::Authority root_ = id::Authority::MakeRoot("root", hours(2), kNow);
  io::Loop loop_;
  std::unique_ptr<io::Listener> listener_;
  ::tulle::telemetry::Registry registry_;
  overload::LimitCounts limits_{registry_, "0"};
  Dialer dialer_{loop_, limits_};
  std::string served_alpn_, said_, detail_;
};

TEST_F(DialerTest, APeerThatProvesItsIdentityIsCalled) {
  loop_.Spawn(Serve(ContextOf(tls::Side::kServer, kDb, root_)));
  EXPECT_EQ(Dial(kDb), "connected") << detail_;
}

TEST_F(DialerTest, AnotherIdentityIsRefusedHoweverValid) {
  loop_.Spawn(Serve(ContextOf(tls::Side::kServer, kDb, root_)));
  EXPECT_EQ(Dial(kWeb), "mtls/identity");
  EXPECT_EQ(detail_, "expected " + kWeb + ", the peer is " + kDb);
}

TEST_F(DialerTest, AnotherRootIsRefused) {
  const id::Authority other = id::Authority::MakeRoot("other", hours(2), kNow);
  loop_.Spawn(Serve(ContextOf(tls::Side::kServer, kDb, other)));
  EXPECT_EQ(Dial(kDb), "mtls/handshake");
}

TEST_F(DialerTest, WithoutIdentityItIsPlaintext) { EXPECT_EQ(Dial(""), "connected"); }

TEST_F(DialerTest, WithoutACertificateOfOurOwnNobodyIsCalled) {
  dialer_.SetContext(nullptr);
  EXPECT_EQ(Dial(kDb), "mtls/no-certificate");
  EXPECT_EQ(Dial(""), "connected");
}

TEST_F(DialerTest, APeerThatSaysNothingCostsTheTimeoutOnly) {
  EXPECT_EQ(Dial(kDb, milliseconds(300)), "upstream/handshake-timeout");
}

// The listener takes nobody in, so nobody's handshake comes to its end.
TEST_F(DialerTest, BeyondThoseThatAreMadeAndThatWaitADialFailsAtOnce) {
  Dialer dialer(loop_, limits_, {.inside = 1, .waiting = 1});
  dialer.SetContext(ContextOf(tls::Side::kClient, kWeb, root_));
  const Target target{listener_->address(), kDb};
  std::vector<std::string> said;
  for (const int timeout : {300, 600, 60000})
    loop_.Spawn(DialWith(dialer, target, milliseconds(timeout), said));
  EXPECT_EQ(said, std::vector<std::string>{"overload/dials"});
  while (said.size() < 3) {
    loop_.Spawn(StopAfter(milliseconds(5)));
    loop_.Run();
  }
  EXPECT_EQ(said[1], "upstream/handshake-timeout");
  EXPECT_EQ(said[2], "upstream/handshake-timeout");
  EXPECT_EQ(limits_.News(), "dials 1");
}

TEST_F(DialerTest, ARefusalSaysWhere) {
  const std::string address = listener_->address().Text();
  const Target target{listener_->address(), kDb};
  listener_->Close();
  loop_.Spawn(DialInto(target, milliseconds(1000)));
  loop_.Run();
  EXPECT_EQ(said_, "upstream/connect-refused");
  EXPECT_EQ(detail_, address);
}

}  // namespace
}  // namespace tulle::sidecar::upstream
