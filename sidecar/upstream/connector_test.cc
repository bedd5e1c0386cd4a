#include "sidecar/upstream/connector.h"

#include <gtest/gtest.h>

#include "lib/http2/server.h"

namespace tulle::sidecar::upstream {
namespace {

using std::chrono::milliseconds;

// An app that speaks HTTP/2, takes few requests at a time on a connection, and answers none; and calls to it.
class ConnectorTest : public ::testing::Test {
 protected:
  static constexpr uint32_t kStreams = 3;

  ConnectorTest()
      : listener_(std::move(*io::Listener::Open(loop_, *io::SocketAddress::Parse("127.0.0.1", 0), {}))),
        host_(std::make_shared<Host>(Target{listener_->address(), {}}, kAppIdle)) {
    loop_.Spawn(Accept());
  }

  io::Task<void> Accept() {
    for (;;) {
      const io::Listener::Accepted accepted = co_await listener_->Accept();
      ++connections_;
      loop_.Spawn(Serve(std::make_unique<io::Socket>(loop_, accepted.fd)));
    }
  }
  io::Task<void> Serve(std::unique_ptr<io::Socket> socket) {
    http2::ServerSession session(std::make_unique<io::PlainStream>(std::move(socket)), io::Buffer(),
                                 {.max_streams = kStreams});
    co_await session.Run();
  }

  io::Task<void> Call(milliseconds timeout) {
    auto connected = co_await connector_.Connect(host_, mux::Kind::kHttp2, timeout);
    if (connected) {
      calls_.push_back(std::move(*connected));
    } else {
      failures_.push_back(connected.failure().reason);
    }
  }
  void StartCalls(size_t count, milliseconds timeout = milliseconds(10000)) {
    while (count-- > 0) loop_.Spawn(Call(timeout));
  }
  // For so long at most, until so many calls have a stream.
  bool Reaches(size_t calls) {
    for (int patience = 0; patience < 500 && calls_.size() < calls; ++patience) RunFor(milliseconds(5));
    return calls_.size() == calls;
  }
  void RunFor(milliseconds time) {
    loop_.Spawn(StopAfter(time));
    loop_.Run();
  }
  io::Task<void> StopAfter(milliseconds time) {
    co_await loop_.Sleep(time);
    loop_.Stop();
  }
  bool SomeWait() { return host_->SessionsFor(mux::Kind::kHttp2, loop_).changed.awaited(); }

  ::tulle::telemetry::Registry registry_;
  io::Loop loop_;
  overload::LimitCounts limits_{registry_, "0"};
  std::unique_ptr<io::Listener> listener_;
  Connector connector_{loop_, PeerFraming::kMux, limits_, [](const Host&, const char*) {}};
  std::shared_ptr<Host> host_;
  std::vector<std::unique_ptr<Connection>> calls_;
  std::vector<std::string> failures_;
  int connections_ = 0;
};

TEST_F(ConnectorTest, ConnectionsAreMadeWhileCallsWait) {
  StartCalls(kStreams * kMaxSessions);
  EXPECT_TRUE(Reaches(kStreams * kMaxSessions)) << calls_.size();
  EXPECT_EQ(connections_, static_cast<int>(kMaxSessions));
}

TEST_F(ConnectorTest, ACallThatEndsWakesNoMoreThanItMakesRoomFor) {
  const size_t most = kStreams * kMaxSessions;
  StartCalls(most + 5);
  ASSERT_TRUE(Reaches(most)) << calls_.size();
  calls_.erase(calls_.begin(), calls_.begin() + 2);
  EXPECT_TRUE(SomeWait());  // all but two go on sleeping
  EXPECT_TRUE(Reaches(most));
  EXPECT_TRUE(SomeWait());
  calls_.clear();
  EXPECT_TRUE(Reaches(3));
  EXPECT_FALSE(SomeWait());
  EXPECT_TRUE(failures_.empty());
}

TEST_F(ConnectorTest, CallsBeyondTheMostSayWhyTheyFail) {
  const size_t most = kStreams * kMaxSessions;
  StartCalls(most);
  ASSERT_TRUE(Reaches(most)) << calls_.size();
  StartCalls(1, milliseconds(20));
  RunFor(milliseconds(100));
  EXPECT_EQ(failures_, std::vector<std::string>{"upstream/too-many-streams"});
}

}  // namespace
}  // namespace tulle::sidecar::upstream
