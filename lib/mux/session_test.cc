#include "lib/mux/session.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <map>
#include <string>
#include <vector>

#include "lib/mux/limits.h"

namespace tulle::mux {
namespace {

using io::Task;

// A client's and a server's session over a socket pair. What the server reads on a stream it notes, and sends
// back where it echoes.
class MuxTest : public ::testing::Test {
 protected:
  MuxTest() {
    int fds[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    client_ = std::make_unique<Session>(Wrap(fds[0]));
    server_ = std::make_unique<Session>(Wrap(fds[1]), [this](std::unique_ptr<io::Stream> stream, Kind kind) {
      kinds_.push_back(kind);
      accepted_.push_back(std::move(stream));
      if (echo_) loop_.Spawn(Echo(*accepted_.back()));
    });
    loop_.Spawn(client_->Run());
    loop_.Spawn(server_->Run());
  }

  std::unique_ptr<io::Stream> Wrap(int fd) {
    return std::make_unique<io::PlainStream>(std::make_unique<io::Socket>(loop_, fd));
  }

  Task<void> Echo(io::Stream& stream) {
    std::string block(10000, '\0');
    for (;;) {
      const std::span<char> into(block);
      const io::IoResult got = co_await stream.Read(into);
      if (!got.ok()) break;
      const std::string_view bytes(block.data(), got.bytes);
      co_await stream.Write(bytes);
    }
    stream.ShutdownWrite();
  }

  Task<void> Say(io::Stream& stream, std::string text, bool end) {
    const std::string_view bytes(text);
    const io::IoResult put = co_await stream.Write(bytes);
    written_ += put.bytes;
    if (end) stream.ShutdownWrite();
  }

  // Reads up to `bytes`, or to the end, into heard_[name].
  Task<void> Hear(io::Stream& stream, std::string name, size_t bytes) {
    std::string block(8000, '\0');
    while (heard_[name].size() < bytes) {
      const std::span<char> into(block);
      const io::IoResult got = co_await stream.Read(into);
      if (!got.ok()) {
        heard_[name] += "<" + std::string(io::Name(got.error)) + ">";
        break;
      }
      heard_[name].append(block.data(), got.bytes);
    }
  }

  Task<void> SayLong(io::Stream& stream, size_t bytes) {
    const std::string block(kMaxPayload, 'x');
    while (written_ < bytes) {
      const std::string_view piece(block);
      const io::IoResult put = co_await stream.Write(piece);
      if (!put.ok()) break;
      written_ += put.bytes;
    }
    stream.ShutdownWrite();
  }

  Task<void> Drain(io::Stream& stream, size_t& drained) {
    std::string block(kStreamWindow, '\0');
    for (;;) {
      const std::span<char> into(block);
      const io::IoResult got = co_await stream.Read(into);
      if (!got.ok()) break;
      drained += got.bytes;
    }
    loop_.Stop();
  }

  // Both ends are on this loop, so after so many turns what can happen has happened, on a slow machine too.
  void Settle() {
    loop_.Spawn(StopAfter(5000));
    loop_.Run();
  }
  Task<void> StopAfter(int turns) {
    while (turns-- > 0) co_await loop_.Yield();
    loop_.Stop();
  }

  io::Loop loop_;
  std::unique_ptr<Session> client_, server_;
  std::vector<std::unique_ptr<io::Stream>> accepted_;
  std::vector<Kind> kinds_;
  std::map<std::string, std::string> heard_;
  size_t written_ = 0;
  bool echo_ = true;
};

TEST_F(MuxTest, CarriesManyStreamsWithoutMixingThem) {
  std::vector<std::unique_ptr<io::Stream>> streams;
  for (int i = 0; i < 500; ++i) {
    streams.push_back(client_->Open(i % 2 == 0 ? Kind::kHttp1 : Kind::kTcp));
    const std::string text(100 + static_cast<size_t>(i) * 97, static_cast<char>('a' + i % 26));
    loop_.Spawn(Say(*streams.back(), text + std::to_string(i), true));
    loop_.Spawn(Hear(*streams.back(), std::to_string(i), SIZE_MAX));
  }
  Settle();
  for (int i = 0; i < 500; ++i) {
    const std::string text(100 + static_cast<size_t>(i) * 97, static_cast<char>('a' + i % 26));
    ASSERT_EQ(heard_[std::to_string(i)], text + std::to_string(i) + "<closed>") << i;
  }
  EXPECT_EQ(kinds_[0], Kind::kHttp1);
  EXPECT_EQ(kinds_[1], Kind::kTcp);
  streams.clear();
  accepted_.clear();
  EXPECT_EQ(client_->streams(), 0U);
  EXPECT_EQ(server_->streams(), 0U);
}

TEST_F(MuxTest, AStreamIsUsedAgain) {
  const auto stream = client_->Open(Kind::kHttp1);
  for (int i = 0; i < 5; ++i) {
    loop_.Spawn(Say(*stream, "ping", false));
    loop_.Spawn(Hear(*stream, std::to_string(i), 4));
    Settle();
    EXPECT_EQ(heard_[std::to_string(i)], "ping");
  }
  EXPECT_EQ(accepted_.size(), 1U);
}

TEST_F(MuxTest, AReaderThatDoesNotReadHoldsItsWindowAndNobodyElseUp) {
  echo_ = false;
  const auto stuck = client_->Open(Kind::kHttp1);
  const auto other = client_->Open(Kind::kHttp1);
  loop_.Spawn(Say(*stuck, std::string(4 << 20, 'x'), true));
  Settle();
  EXPECT_EQ(written_, 0U);
  echo_ = true;
  const auto lively = client_->Open(Kind::kHttp1);
  loop_.Spawn(Say(*lively, std::string(1 << 20, 'y'), true));
  loop_.Spawn(Hear(*lively, "lively", SIZE_MAX));
  Settle();
  EXPECT_EQ(heard_["lively"].size(), (1U << 20) + std::string("<closed>").size());
  // Once it is read, it goes on.
  loop_.Spawn(Hear(*accepted_[0], "stuck", SIZE_MAX));
  Settle();
  EXPECT_EQ(heard_["stuck"].size(), (4U << 20) + std::string("<closed>").size());
}

// Who only listens sends nothing but credit.
TEST_F(MuxTest, AnAnswerMayBeOfAnyLength) {
  constexpr size_t kBytes = (kMaxIdleFrames + 100) * size_t{kStreamWindow} / 2;
  echo_ = false;
  auto stream = client_->Open(Kind::kHttp1);
  Settle();
  ASSERT_EQ(accepted_.size(), 1u);
  size_t drained = 0;
  loop_.Spawn(SayLong(*accepted_[0], kBytes));
  loop_.Spawn(Drain(*stream, drained));
  loop_.Run();
  EXPECT_GE(drained, kBytes);
  EXPECT_EQ(drained, written_);
  EXPECT_EQ(server_->why(), nullptr);
}

TEST_F(MuxTest, AStreamThatGoesEarlyIsResetAtThePeer) {
  echo_ = false;
  auto stream = client_->Open(Kind::kHttp1);
  loop_.Spawn(Say(*stream, "half", false));
  Settle();
  stream.reset();
  loop_.Spawn(Hear(*accepted_[0], "server", SIZE_MAX));
  Settle();
  EXPECT_EQ(heard_["server"], "half<reset>");
  EXPECT_TRUE(accepted_[0]->readiness().broken());
  EXPECT_EQ(server_->streams(), 0U);
}

TEST_F(MuxTest, TheEndOfTheConnectionBreaksAllStreams) {
  echo_ = false;
  const auto a = client_->Open(Kind::kHttp1);
  const auto b = client_->Open(Kind::kHttp1);
  loop_.Spawn(Hear(*a, "a", SIZE_MAX));
  loop_.Spawn(Say(*b, std::string(1 << 20, 'x'), false));
  Settle();
  server_->Close();
  Settle();
  server_.reset();
  Settle();
  EXPECT_EQ(heard_["a"], "<connection-lost>");
  EXPECT_TRUE(client_->ended());
  EXPECT_EQ(client_->Open(Kind::kHttp1), nullptr);
  EXPECT_TRUE(b->readiness().broken());
}

TEST_F(MuxTest, LeavingKeepsWhatIsOpen) {
  const auto stream = client_->Open(Kind::kHttp1);
  Settle();
  server_->Leave();
  Settle();
  EXPECT_FALSE(client_->usable());
  EXPECT_EQ(client_->Open(Kind::kHttp1), nullptr);
  loop_.Spawn(Say(*stream, "still", true));
  loop_.Spawn(Hear(*stream, "still", SIZE_MAX));
  Settle();
  EXPECT_EQ(heard_["still"], "still<closed>");
}

TEST_F(MuxTest, OneStreamTooManyWasNotProcessed) {
  echo_ = false;
  std::vector<std::unique_ptr<io::Stream>> streams;
  for (size_t i = 0; i < kMaxStreams; ++i) streams.push_back(client_->Open(Kind::kHttp1));
  EXPECT_EQ(client_->Open(Kind::kHttp1), nullptr);
}

// A peer that is no sidecar of ours, byte by byte.
class MuxPeerTest : public ::testing::Test {
 protected:
  const char* Judge(std::string_view bytes) {
    int fds[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    io::Loop loop;
    std::vector<std::unique_ptr<io::Stream>> accepted;
    Session server(std::make_unique<io::PlainStream>(std::make_unique<io::Socket>(loop, fds[0])),
                   [&](std::unique_ptr<io::Stream> stream, Kind) { accepted.push_back(std::move(stream)); });
    io::PlainStream peer(std::make_unique<io::Socket>(loop, fds[1]));
    loop.Spawn(Speak(peer, bytes));
    loop.Spawn(RunAndStop(loop, server));
    loop.Run();
    accepted.clear();
    return server.why() == nullptr ? "" : server.why();
  }
  static Task<void> Speak(io::Stream& peer, std::string_view bytes) {
    co_await peer.Write(bytes);
    peer.ShutdownWrite();
  }
  static Task<void> RunAndStop(io::Loop& loop, Session& server) {
    co_await server.Run();
    loop.Stop();
  }
  static std::string Frame(FrameType type, std::string_view payload, uint32_t stream) {
    io::Buffer out;
    AppendFrameHead(out, type, static_cast<uint32_t>(payload.size()), stream);
    out.Append(payload);
    return std::string(out.view());
  }
  const std::string open_ = Frame(FrameType::kOpen, "\1", 1);
};

TEST_F(MuxPeerTest, WhatNoSidecarSendsEndsTheConnection) {
  EXPECT_STREQ(Judge(open_), "");
  EXPECT_STREQ(Judge("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), "mux/frame");
  EXPECT_STREQ(Judge(Frame(FrameType::kOpen, "\1", 2)), "mux/open");
  EXPECT_STREQ(Judge(open_ + open_), "mux/open");
  EXPECT_STREQ(Judge(Frame(FrameType::kOpen, "\11", 1)), "mux/kind");
  EXPECT_STREQ(Judge(Frame(FrameType::kData, "x", 1)), "mux/unknown-stream");
  EXPECT_STREQ(Judge(Frame(FrameType::kData, "", 1)), "mux/frame");
  EXPECT_STREQ(Judge(open_ + Frame(FrameType::kEnd, "", 1) + Frame(FrameType::kData, "x", 1)), "mux/window");
  EXPECT_STREQ(Judge(open_ + Frame(FrameType::kCredit, std::string(4, '\1'), 1)), "mux/credit");
  EXPECT_STREQ(Judge(Frame(static_cast<FrameType>(77), "", 0)), "mux/frame");
  EXPECT_STREQ(Judge(Frame(FrameType::kLeave, "", 1)), "mux/frame");
}

TEST_F(MuxPeerTest, ContentBeyondTheWindowEndsTheConnection) {
  std::string bytes = open_;
  const std::string payload(kMaxPayload, 'x');
  for (size_t sent = 0; sent <= kStreamWindow; sent += payload.size())
    bytes += Frame(FrameType::kData, payload, 1);
  EXPECT_STREQ(Judge(bytes), "mux/window");
}

TEST_F(MuxPeerTest, FramesThatCarryNothingEndTheConnection) {
  std::string bytes = open_;
  for (uint32_t i = 0; i <= kMaxIdleFrames; ++i) bytes += Frame(FrameType::kLeave, "", 0);
  EXPECT_STREQ(Judge(bytes), "mux/idle-frames");
}

}  // namespace
}  // namespace tulle::mux
