#include "lib/http2/client.h"

#include <gmock/gmock.h>

#include "lib/http2/frames_for_test.h"
#include "lib/http2/pair_for_test.h"

namespace tulle::http2 {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string kGet = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
constexpr int kEnds = NGHTTP2_FLAG_END_STREAM | NGHTTP2_FLAG_END_HEADERS;

// A client session and a server that says what the test says, byte for byte.
class FakeServer : public Wire {
 protected:
  FakeServer() {
    client_ = std::make_unique<ClientSession>(std::move(near_));
    loop_.Spawn(client_->Run());
    Say(Frame(NGHTTP2_SETTINGS, 0, 0, "") + Frame(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, ""));
  }
  ~FakeServer() override {
    if (client_ != nullptr) client_->Close();
    Settle();
  }

  void Say(const std::string& bytes) {
    EXPECT_EQ(far_->TryWrite(bytes).bytes, bytes.size());
    Settle();
  }
  std::string Heard() {
    Settle();
    std::string bytes(1 << 16, '\0');
    bytes.resize(far_->TryRead(bytes).bytes);
    return bytes;
  }
  std::unique_ptr<io::Stream> Ask(const std::string& request = kGet) {
    std::unique_ptr<io::Stream> stream = client_->Open();
    EXPECT_NE(stream, nullptr);
    EXPECT_EQ(stream->TryWrite(request).bytes, request.size());
    Settle();
    return stream;
  }
  std::string Read(io::Stream& stream) {
    std::string text(1 << 16, '\0');
    const io::IoResult got = stream.TryRead(text);
    text.resize(got.bytes);
    return got.ok() ? text : "<" + std::string(io::Name(got.error)) + ">";
  }
  static std::string Head(uint32_t stream, const std::string& fields, int flags = kEnds) {
    return Frame(NGHTTP2_HEADERS, flags, stream, fields);
  }
  static std::string GoAway(uint32_t last) {
    return Frame(NGHTTP2_GOAWAY, 0, 0, Number(last, 4) + Number(NGHTTP2_NO_ERROR, 4));
  }
  static std::string Reset(uint32_t stream, uint32_t code) {
    return Frame(NGHTTP2_RST_STREAM, 0, stream, Number(code, 4));
  }

  std::unique_ptr<ClientSession> client_;
};

TEST_F(FakeServer, AResponseThatIsAHeadAloneIsReadAtOnce) {
  const auto stream = Ask();
  Say(Head(1, "\x88" + Literal("grpc-status", "7")));
  EXPECT_EQ(Read(*stream),
            "HTTP/1.1 200 OK\r\ngrpc-status: 7\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n");
  EXPECT_EQ(Read(*stream), "<closed>");
}

TEST_F(FakeServer, AfterGoAwayThereAreNoNewStreamsAndTheOthersGoOn) {
  const auto served = Ask(), unprocessed = Ask();
  EXPECT_TRUE(client_->usable());
  Say(GoAway(1));
  EXPECT_FALSE(client_->usable());
  EXPECT_EQ(client_->Open(), nullptr);
  EXPECT_EQ(Read(*unprocessed), "<unprocessed>");
  EXPECT_TRUE(unprocessed->readiness().broken());
  EXPECT_EQ(Read(*served), "<again>");
  Say(Head(1, "\x88"));
  EXPECT_THAT(Read(*served), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(client_->ended());
}

TEST_F(FakeServer, AnAnnouncedEndKeepsWhatIsOnItsWay) {
  const auto stream = Ask();
  Say(GoAway(0x7fffffff));
  EXPECT_FALSE(client_->usable());
  EXPECT_EQ(Read(*stream), "<again>");
  EXPECT_FALSE(client_->ended());
}

TEST_F(FakeServer, AStreamThatWasOpenedBeforeTheEndButNotUsedIsUnprocessed) {
  auto stream = client_->Open();
  Say(GoAway(0));
  EXPECT_EQ(stream->TryWrite(kGet).error, io::Error::kUnprocessed);
  EXPECT_EQ(Read(*stream), "<unprocessed>");
}

TEST_F(FakeServer, ARefusedStreamIsUnprocessedUnlessItWasAnswered) {
  const auto refused = Ask(), cancelled = Ask(), answered = Ask();
  Say(Reset(1, NGHTTP2_REFUSED_STREAM) + Reset(3, NGHTTP2_CANCEL) +
      Head(5, "\x88", NGHTTP2_FLAG_END_HEADERS) + Reset(5, NGHTTP2_REFUSED_STREAM));
  EXPECT_EQ(Read(*refused), "<unprocessed>");
  EXPECT_EQ(refused->TryWrite(kGet).error, io::Error::kUnprocessed);
  EXPECT_EQ(Read(*cancelled), "<reset>");
  EXPECT_EQ(Read(*answered), "<reset>");
  EXPECT_EQ(client_->streams(), 0u);
}

TEST_F(FakeServer, WhatNeverLeftIsUnprocessedWhenTheConnectionBreaks) {
  const auto sent = Ask();
  const auto unsent = client_->Open();
  far_.reset();
  Settle();
  EXPECT_TRUE(client_->ended());
  EXPECT_EQ(Read(*sent), "<reset>");
  EXPECT_EQ(Read(*unsent), "<unprocessed>");
}

TEST_F(FakeServer, AllThatWasReceivedCanBeReadAfterTheConnection) {
  const auto stream = Ask();
  Say(Head(1, "\x88" + Literal("content-length", "3"), NGHTTP2_FLAG_END_HEADERS) +
      Frame(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1, "abc"));
  far_.reset();
  Settle();
  EXPECT_THAT(Read(*stream), EndsWith("\r\n\r\nabc"));
}

TEST_F(FakeServer, TheServersLimitOfStreamsHoldsFromOpenOn) {
  Say(Frame(NGHTTP2_SETTINGS, 0, 0, Number(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 2) + Number(2, 4)));
  auto one = client_->Open(), two = client_->Open();
  EXPECT_FALSE(client_->usable());
  EXPECT_EQ(client_->Open(), nullptr);
  two.reset();
  EXPECT_TRUE(client_->usable());
}

TEST_F(FakeServer, AnEarlyAnswerWithAResetOfNoErrorIsAnAnswer) {
  const auto stream = Ask("PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc");
  Say(Head(1, Literal(":status", "413")) + Reset(1, NGHTTP2_NO_ERROR));
  EXPECT_EQ(stream->TryWrite(std::string("d")).error, io::Error::kReset);
  EXPECT_THAT(Read(*stream), StartsWith("HTTP/1.1 413 "));
  EXPECT_EQ(Read(*stream), "<closed>");
}

TEST_F(FakeServer, TrailersFollowTheBody) {
  const auto stream = Ask();
  Say(Head(1, "\x88", NGHTTP2_FLAG_END_HEADERS) + Frame(NGHTTP2_DATA, 0, 1, "abc") +
      Head(1, Literal("a", "b")));
  EXPECT_THAT(Read(*stream), EndsWith("3\r\nabc\r\n0\r\na: b\r\n\r\n"));
}

TEST_F(FakeServer, MalformedResponsesBreakTheirStream) {
  const std::string bad[] = {
      Literal(":status", "101"),
      Literal(":status", "20"),
      Literal(":status", ""),
      "\x88\x88",
      "\x88" + Literal("x", "a\nb"),
      "\x88" + Literal("transfer-encoding", "chunked"),
      Literal("x", "y"),
      "\x88" + Literal("content-length", "5"),
      "\x88" + Literal("X", "y"),
      "\x88" + Literal("connection", "close"),
  };
  uint32_t id = 1;
  for (const std::string& fields : bad) {
    const auto stream = Ask();
    Say(Head(id, fields));
    EXPECT_EQ(Read(*stream), "<reset>") << fields;
    id += 2;
  }
  EXPECT_TRUE(client_->usable());
}

TEST_F(FakeServer, InterimResponsesAreBounded) {
  const auto stream = Ask();
  std::string flood;
  for (int i = 0; i <= kMaxInterims; ++i)
    flood += Head(1, Literal(":status", "100"), NGHTTP2_FLAG_END_HEADERS);
  Say(flood);
  EXPECT_EQ(Read(*stream), "<reset>");
}

TEST_F(FakeServer, PushIsNotTaken) {
  const auto stream = Ask();
  Say(Frame(NGHTTP2_PUSH_PROMISE, NGHTTP2_FLAG_END_HEADERS, 1, Number(2, 4) + kGetFields));
  EXPECT_TRUE(client_->ended());
  EXPECT_EQ(Read(*stream), "<reset>");
}

io::Task<void> WriteMuch(io::Stream* stream) {
  const std::string much(10 << 20, 'x');
  const std::string text =
      "PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: " + std::to_string(much.size()) + "\r\n\r\n" + much;
  co_await stream->Write(text);
}

TEST_F(FakeServer, StreamsTakeTurnsOnAConnectionThatIsSlow) {
  Say(Frame(NGHTTP2_SETTINGS, 0, 0, Number(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 2) + Number(1 << 30, 4)) +
      Frame(NGHTTP2_WINDOW_UPDATE, 0, 0, Number(1 << 30, 4)));
  Heard();
  const auto one = client_->Open(), two = client_->Open();
  io::Task<void> first = WriteMuch(one.get()), second = WriteMuch(two.get());
  first.Start();
  second.Start();
  size_t got[4] = {};
  std::string bytes;
  for (int i = 0; i < 40; ++i) {
    bytes += Heard();
    while (bytes.size() >= 9) {
      const auto at = [&bytes](size_t index) {
        return static_cast<size_t>(static_cast<uint8_t>(bytes[index]));
      };
      const size_t length = at(0) << 16 | at(1) << 8 | at(2);
      if (bytes.size() < 9 + length) break;
      if (at(3) == NGHTTP2_DATA) got[at(8)] += length;
      bytes.erase(0, 9 + length);
    }
  }
  EXPECT_GT(got[1], 700000u);
  EXPECT_NEAR(got[1], got[3], 150000);
}

TEST_F(FakeServer, LeavingWaitsForTheStreams) {
  auto stream = Ask();
  client_->Leave();
  EXPECT_FALSE(client_->usable());
  Settle();
  EXPECT_FALSE(client_->ended());
  Say(Head(1, "\x88"));
  EXPECT_TRUE(client_->ended());
  EXPECT_THAT(Read(*stream), StartsWith("HTTP/1.1 200"));
}

TEST_F(FakeServer, AStreamThatIsDroppedIsCancelled) {
  auto stream = Ask();
  Heard();
  stream.reset();
  EXPECT_EQ(Heard(), Reset(1, NGHTTP2_CANCEL));
}

TEST_F(FakeServer, AStreamThatIsDroppedBeforeItsHeadLeavesIsNeverSeen) {
  Heard();
  auto stream = client_->Open();
  EXPECT_TRUE(stream->TryWrite(kGet).ok());
  stream.reset();
  EXPECT_EQ(Heard(), "");
  EXPECT_EQ(client_->streams(), 0u);
}

}  // namespace
}  // namespace tulle::http2
