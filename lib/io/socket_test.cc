#include "lib/io/socket.h"

#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <string>

#include "lib/io/stream.h"

namespace tulle::io {
namespace {

using std::chrono::milliseconds;
using Text = std::vector<std::string>;

const SocketAddress kLoopback = *SocketAddress::Parse("127.0.0.1", 0);

// Two ends of one TCP connection on one loop, and words for what the coroutines of a test do with them.
class SocketTest : public ::testing::Test {
 protected:
  SocketTest() : listener_(std::move(*Listener::Open(loop_, kLoopback, {}))) { Do(Open()); }

  // Runs the coroutine to its end, the loop with it.
  void Do(Task<void> task) {
    loop_.Spawn(ThenStop(std::move(task)));
    loop_.Run();
  }
  Task<void> ThenStop(Task<void> task) {
    co_await task;
    loop_.Stop();
  }

  Task<void> ConnectTo(std::unique_ptr<PlainStream>& stream) {
    const SocketAddress address = listener_->address();
    auto connected = co_await Connect(loop_, address, kNever);
    stream = std::make_unique<PlainStream>(std::move(*connected));
  }
  Task<void> Open() {
    co_await ConnectTo(a_);
    const Listener::Accepted accepted = co_await listener_->Accept();
    b_ = std::make_unique<PlainStream>(std::make_unique<Socket>(loop_, accepted.fd));
  }

  // What one read gives: its bytes, or the name of its error.
  Task<std::string> Read(Stream& stream, size_t size = 64) {
    std::string text(size, '\0');
    const std::span<char> into(text);
    const IoResult got = co_await stream.Read(into);
    text.resize(got.bytes);
    co_return got.ok() ? text : std::string(Name(got.error));
  }
  Task<std::string> Peek(PlainStream& stream, size_t size, size_t more_than) {
    std::string text(size, '\0');
    const std::span<char> into(text);
    const IoResult got = co_await stream.socket().Peek(into, more_than);
    text.resize(got.bytes);
    co_return got.ok() ? text : std::string(Name(got.error));
  }
  Task<void> Note(Task<std::string> task) {
    std::string text = co_await task;
    said_.push_back(std::move(text));
  }
  Task<void> Write(Stream& stream, std::string text) {
    const std::span<const char> from(text);
    const IoResult put = co_await stream.Write(from);
    EXPECT_TRUE(put.ok()) << Name(put.error);
  }
  void DeadlineIn(Stream& stream, milliseconds time) { stream.readiness().SetDeadline(Clock::now() + time); }

  Loop loop_;
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<PlainStream> a_, b_;
  Text said_;
};

TEST_F(SocketTest, BytesArrive) {
  Do(Write(*a_, "hello"));
  Do(Note(Read(*b_)));
  EXPECT_EQ(said_, Text{"hello"});
  EXPECT_EQ(PeerAddress(a_->socket().fd()), LocalAddress(b_->socket().fd()));
  EXPECT_EQ(OriginalDestination(b_->socket().fd()), std::nullopt);
}

TEST_F(SocketTest, AReaderWaitsUntilThereIsSomething) {
  Task<void> reading = Note(Read(*b_));
  reading.Start();
  EXPECT_FALSE(reading.done());
  Do(Write(*a_, "late"));
  Do(std::move(reading));
  EXPECT_EQ(said_, Text{"late"});
}

TEST_F(SocketTest, AfterADeadlineReadsTimeOutUntilItIsLifted) {
  DeadlineIn(*b_, milliseconds(5));
  const TimePoint start = Clock::now();
  Do(Note(Read(*b_)));
  EXPECT_GE(Clock::now() - start, milliseconds(5));
  Do(Note(Read(*b_)));
  b_->socket().SetDeadline(kNever);
  Do(Write(*a_, "x"));
  Do(Note(Read(*b_)));
  EXPECT_EQ(said_, (Text{"timeout", "timeout", "x"}));
}

TEST_F(SocketTest, TheLastDeadlineCounts) {
  DeadlineIn(*b_, milliseconds(1));
  DeadlineIn(*b_, milliseconds(30));
  const TimePoint start = Clock::now();
  Do(Note(Read(*b_)));
  EXPECT_GE(Clock::now() - start, milliseconds(25));
  DeadlineIn(*b_, milliseconds(10000));
  DeadlineIn(*b_, milliseconds(2));
  Do(Note(Read(*b_)));
  EXPECT_EQ(said_, (Text{"timeout", "timeout"}));
}

TEST_F(SocketTest, ExpireEndsTheWaitingAtOnce) {
  Task<void> reading = Note(Read(*b_));
  reading.Start();
  b_->socket().Expire();
  Do(std::move(reading));
  EXPECT_EQ(said_, Text{"timeout"});
}

TEST_F(SocketTest, AWriterWaitsForTheReaderUntilItsDeadline) {
  const std::string much(32 << 20, 'x');
  DeadlineIn(*a_, milliseconds(20));
  const std::span<const char> from(much);
  Task<void> writing = [](PlainStream* stream, std::span<const char> bytes, Text* said) -> Task<void> {
    const IoResult put = co_await stream->Write(bytes);
    said->push_back(std::string(Name(put.error)));
  }(a_.get(), from, &said_);
  Do(std::move(writing));
  EXPECT_EQ(said_, Text{"timeout"});
}

Task<void> ReadAll(Stream& stream, size_t& total) {
  std::vector<char> space(100000);
  for (;;) {
    const std::span<char> into(space);
    const IoResult got = co_await stream.Read(into);
    if (!got.ok()) co_return;
    total += got.bytes;
  }
}

TEST_F(SocketTest, LargeTransfersBothWaysArriveWhole) {
  const std::string much(8 << 20, 'x');
  size_t at_a = 0, at_b = 0;
  Task<void> reads_a = ReadAll(*a_, at_a), reads_b = ReadAll(*b_, at_b);
  Task<void> writes_a = Write(*a_, much), writes_b = Write(*b_, much);
  for (Task<void>* task : {&reads_a, &reads_b, &writes_a, &writes_b}) task->Start();
  Do(std::move(writes_a));
  Do(std::move(writes_b));
  a_->ShutdownWrite();
  b_->ShutdownWrite();
  Do(std::move(reads_a));
  Do(std::move(reads_b));
  EXPECT_EQ(at_a, much.size());
  EXPECT_EQ(at_b, much.size());
}

TEST_F(SocketTest, HalfCloseEndsOneDirectionOnly) {
  Do(Write(*a_, "last"));
  a_->ShutdownWrite();
  Do(Note(Read(*b_)));
  Do(Note(Read(*b_)));
  EXPECT_TRUE(b_->socket().hung_up());
  Do(Write(*b_, "answer"));
  Do(Note(Read(*a_)));
  EXPECT_EQ(said_, (Text{"last", "closed", "answer"}));
}

TEST_F(SocketTest, AResetIsNotAnEnd) {
  a_->socket().ResetOnClose();
  a_.reset();
  Do(Note(Read(*b_)));
  EXPECT_EQ(said_, Text{"reset"});
}

TEST_F(SocketTest, PeekTakesNothing) {
  Do(Write(*a_, "abc"));
  Do(Note(Peek(*b_, 10, 0)));
  Do(Note(Peek(*b_, 2, 0)));
  Do(Note(Read(*b_)));
  EXPECT_EQ(said_, (Text{"abc", "ab", "abc"}));
}

TEST_F(SocketTest, PeekWaitsForMoreThanWasSeen) {
  Do(Write(*a_, "abc"));
  Task<void> peeking = Note(Peek(*b_, 10, 3));
  peeking.Start();
  EXPECT_FALSE(peeking.done());
  Do(Write(*a_, "d"));
  Do(std::move(peeking));
  EXPECT_EQ(said_, Text{"abcd"});
}

TEST_F(SocketTest, PeekEndsWhenNoMoreCanCome) {
  Do(Write(*a_, "abc"));
  a_->ShutdownWrite();
  Do(Note(Peek(*b_, 10, 3)));
  Do(Note(Read(*b_)));
  DeadlineIn(*a_, milliseconds(2));
  Do(Note(Peek(*a_, 10, 0)));
  EXPECT_EQ(said_, (Text{"closed", "abc", "timeout"}));
}

TEST_F(SocketTest, CancelledReadersAndWritersAreForgotten) {
  const std::string much(32 << 20, 'x');
  {
    Task<void> reading = Note(Read(*b_));
    Task<void> peeking = Note(Peek(*b_, 4, 0));
    Task<void> writing = Write(*b_, much);
    for (Task<void>* task : {&reading, &peeking, &writing}) task->Start();
  }
  Do(Write(*a_, "x"));
  EXPECT_TRUE(said_.empty());
  Do(Note(Read(*b_)));
  EXPECT_EQ(said_, Text{"x"});
}

TEST_F(SocketTest, AWokenReaderMayBeDestroyedBeforeItsTurn) {
  std::optional<Task<void>> reading(Note(Read(*b_)));
  reading->Start();
  b_->socket().Wake();
  reading.reset();
  b_.reset();
  loop_.Stop();
  loop_.Run();
  EXPECT_TRUE(said_.empty());
}

TEST_F(SocketTest, CloseSoftlyLetsThePeerReadTheLastWords) {
  Do(Write(*a_, "sent while you were going"));
  Do(Write(*b_, "bye"));
  Task<void> closing = CloseSoftly(std::move(b_), milliseconds(50), 1 << 20);
  closing.Start();
  Do(Note(Read(*a_)));
  Do(Note(Read(*a_)));
  EXPECT_EQ(said_, (Text{"bye", "closed"}));
  EXPECT_FALSE(closing.done());
  a_.reset();
  Do(std::move(closing));
}

TEST_F(SocketTest, CloseSoftlyGivesUpAtItsLimits) {
  const TimePoint start = Clock::now();
  Do(CloseSoftly(std::move(b_), milliseconds(10), 1 << 20));
  EXPECT_GE(Clock::now() - start, milliseconds(10));
  EXPECT_LT(Clock::now() - start, milliseconds(2000));
}

Task<void> TryConnect(Loop& loop, SocketAddress address, milliseconds time, std::string& said) {
  const TimePoint deadline = Clock::now() + time;
  auto connected = co_await Connect(loop, address, deadline);
  said = connected ? "connected" : std::string(Name(connected.failure()));
}

TEST_F(SocketTest, ConnectIsRefusedWhereNobodyListens) {
  const SocketAddress address = listener_->address();
  listener_->Close();
  std::string said;
  Do(TryConnect(loop_, address, milliseconds(1000), said));
  EXPECT_EQ(said, "refused");
}

TEST_F(SocketTest, ConnectTimesOutWhereNobodyAccepts) {
  auto full = std::move(*Listener::Open(loop_, kLoopback, {.backlog = 0}));
  std::vector<Task<void>> waiting;
  std::vector<std::string> said(4);
  for (std::string& one : said) waiting.push_back(TryConnect(loop_, full->address(), milliseconds(30), one));
  for (Task<void>& one : waiting) one.Start();
  for (Task<void>& one : waiting) Do(std::move(one));
  EXPECT_EQ(said.front(), "connected");
  EXPECT_EQ(said.back(), "timeout");
}

TEST_F(SocketTest, ListeningTwiceOnOnePortFailsUnlessItIsShared) {
  const auto second = Listener::Open(loop_, listener_->address(), {});
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.failure().what.find(listener_->address().Text()), std::string::npos);
  const auto shared = Listener::Open(loop_, kLoopback, {.reuse_port = true});
  EXPECT_TRUE(Listener::Open(loop_, (*shared)->address(), {.reuse_port = true}).ok());
}

Task<void> AcceptTwo(Listener& listener, std::vector<int>& fds) {
  for (int i = 0; i < 2; ++i) {
    const Listener::Accepted accepted = co_await listener.Accept();
    fds.push_back(accepted.fd);
  }
}

TEST_F(SocketTest, ConnectionsThatArriveTogetherAreAllAccepted) {
  std::vector<int> fds;
  Task<void> accepting = AcceptTwo(*listener_, fds);
  accepting.Start();
  std::string one, two;
  Do(TryConnect(loop_, listener_->address(), milliseconds(1000), one));
  Do(TryConnect(loop_, listener_->address(), milliseconds(1000), two));
  Do(std::move(accepting));
  EXPECT_EQ(fds.size(), 2u);
  for (const int fd : fds) close(fd);
}

int Option(int fd, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  getsockopt(fd, level, name, &value, &size);
  return value;
}

TEST_F(SocketTest, TheKernelIsToldToNoticeALostPeer) {
  a_->socket().NoticeLoss(true);
  b_->socket().NoticeLoss(false);
  for (const int fd : {a_->socket().fd(), b_->socket().fd()}) {
    EXPECT_EQ(Option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    EXPECT_EQ(Option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 20);
    EXPECT_EQ(Option(fd, IPPROTO_TCP, TCP_KEEPINTVL) * Option(fd, IPPROTO_TCP, TCP_KEEPCNT), 20);
  }
  EXPECT_EQ(Option(a_->socket().fd(), IPPROTO_TCP, TCP_USER_TIMEOUT), 20000);
  EXPECT_EQ(Option(b_->socket().fd(), IPPROTO_TCP, TCP_USER_TIMEOUT), 0);  // it may read slowly
}

TEST_F(SocketTest, AcceptedConnectionsNoticeALostPeer) {
  EXPECT_EQ(Option(b_->socket().fd(), SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(Option(b_->socket().fd(), IPPROTO_TCP, TCP_KEEPIDLE), 20);
}

TEST_F(SocketTest, AConnectionIsTurnedAwayWithAReset) {
  EXPECT_FALSE(listener_->TurnAway());
  Do(ConnectTo(a_));
  EXPECT_TRUE(listener_->TurnAway());
  Do(Note(Read(*a_)));
  EXPECT_EQ(said_, Text{"reset"});
}

}  // namespace
}  // namespace tulle::io
