#include "lib/http2/stream.h"

#include <gmock/gmock.h>

#include "lib/http2/pair_for_test.h"

namespace tulle::http2 {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string kGet = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
const std::string kChunkedPost = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
const std::string kEmpty = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

// Both ends of one stream in the hands of the test.
class Ends : public Pair {
 protected:
  Ends() : Pair(kPeerLimits, false) {}

  // Opens a stream and writes the first part of a request to it; the other end is there when the head is
  // whole.
  void Begin(const std::string& request) {
    near_end_ = client_->Open();
    ASSERT_NE(near_end_, nullptr);
    Write(*near_end_, request);
    Do(Take());
  }
  io::Task<void> Take() { far_end_ = co_await server_->Next(); }

  void Write(io::Stream& stream, const std::string& text) {
    const io::IoResult put = stream.TryWrite(text);
    EXPECT_TRUE(put.ok() && put.bytes == text.size()) << Name(put.error) << " " << put.bytes;
    Settle();
  }
  // What one read gives now: text, or the name of the error.
  std::string Read(io::Stream& stream) {
    std::string text(1 << 20, '\0');
    const io::IoResult got = stream.TryRead(text);
    text.resize(got.bytes);
    return got.ok() ? text : "<" + std::string(io::Name(got.error)) + ">";
  }
  // As much as is taken of endless content.
  size_t Pour(io::Stream& stream) {
    const std::string piece(10000, 'x');
    size_t taken = 0;
    for (;;) {
      const io::IoResult put = stream.TryWrite(piece);
      if (!put.ok()) {
        Settle();
        if (!stream.TryWrite(piece.substr(0, 1)).ok()) return taken;
        ++taken;
      }
      taken += put.bytes;
    }
  }

  std::unique_ptr<io::Stream> near_end_, far_end_;
};

TEST_F(Ends, AfterTheRequestReadsWaitAndTheEndOfItIsNoHangUp) {
  Begin(kGet);
  EXPECT_EQ(Read(*far_end_), kGet);
  EXPECT_EQ(Read(*far_end_), "<again>");
  EXPECT_FALSE(far_end_->readiness().hung_up());
  Write(*far_end_, kEmpty);
  EXPECT_EQ(Read(*far_end_), "<closed>");
  EXPECT_FALSE(far_end_->readiness().broken());
  EXPECT_EQ(Read(*near_end_), kEmpty);
  EXPECT_EQ(Read(*near_end_), "<closed>");
  EXPECT_TRUE(near_end_->readiness().hung_up()) << "a pool could use it again";
}

TEST_F(Ends, BodiesPassWhileBothSidesSpeak) {
  Begin(kChunkedPost);
  EXPECT_THAT(Read(*far_end_), EndsWith("transfer-encoding: chunked\r\n\r\n"));
  Write(*far_end_, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
  EXPECT_THAT(Read(*near_end_), EndsWith("\r\n\r\n"));
  for (const std::string piece : {"3\r\nabc\r\n", "2\r\nxy\r\n", "0\r\n\r\n"}) {
    Write(*near_end_, piece);
    EXPECT_EQ(Read(*far_end_), piece);
    Write(*far_end_, piece);
    EXPECT_EQ(Read(*near_end_), piece);
  }
  EXPECT_EQ(client_->streams() + server_->streams(), 0u);
}

TEST_F(Ends, AHeadMayComeByteByByte) {
  near_end_ = client_->Open();
  for (const char c : kGet) EXPECT_EQ(near_end_->TryWrite({&c, 1}).bytes, 1u);
  Do(Take());
  EXPECT_EQ(Read(*far_end_), kGet);
  for (const char c : "HTTP/1.1 100 Continue\r\n\r\n" + kEmpty)
    EXPECT_EQ(far_end_->TryWrite({&c, 1}).bytes, 1u);
  Settle();
  EXPECT_EQ(Read(*near_end_), "HTTP/1.1 100 Continue\r\n\r\n" + kEmpty);
}

TEST_F(Ends, AStatusOfGrpcInTheHeadWaitsForTheEndToGoWithIt) {
  Begin(kGet);
  Write(*far_end_, "HTTP/1.1 200 OK\r\ngrpc-status: 5\r\ntransfer-encoding: chunked\r\n\r\n");
  EXPECT_EQ(Read(*near_end_), "<again>");
  Write(*far_end_, "0\r\n");
  EXPECT_EQ(Read(*near_end_), "<again>");
  Write(*far_end_, "\r\n");
  EXPECT_EQ(Read(*near_end_),
            "HTTP/1.1 200 OK\r\ngrpc-status: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n");
}

TEST_F(Ends, AnEarlyResponseEndsTheRequest) {
  Begin(kChunkedPost + "3\r\nabc\r\n");
  Read(*far_end_);
  Write(*far_end_, kEmpty);
  EXPECT_EQ(Read(*far_end_), "<closed>");
  far_end_.reset();
  Settle();
  EXPECT_FALSE(near_end_->readiness().broken());
  EXPECT_EQ(near_end_->TryWrite(std::string("3\r\nabc\r\n")).error, io::Error::kReset);
  EXPECT_EQ(Read(*near_end_), kEmpty);
  EXPECT_EQ(Read(*near_end_), "<closed>");
  EXPECT_EQ(server_->streams(), 0u);
}

TEST_F(Ends, WhatWasWrittenStillGoesWhenTheWriterHasGone) {
  Begin(kGet);
  const std::string body(12000, 'x');
  EXPECT_TRUE(far_end_->TryWrite("HTTP/1.1 200 OK\r\ncontent-length: 12000\r\n\r\n" + body).ok());
  far_end_.reset();
  Settle();
  EXPECT_THAT(Read(*near_end_), EndsWith("\r\n\r\n" + body));
}

TEST_F(Ends, AClientThatGoesResetsItsStream) {
  Begin(kGet);
  EXPECT_EQ(Read(*far_end_), kGet);
  near_end_.reset();
  EXPECT_FALSE(far_end_->readiness().broken());
  Settle();
  EXPECT_TRUE(far_end_->readiness().broken());
  EXPECT_EQ(Read(*far_end_), "<reset>");
  EXPECT_EQ(far_end_->TryWrite(kEmpty).error, io::Error::kReset);
  EXPECT_EQ(server_->streams(), 0u);
}

TEST_F(Ends, AServerThatGoesResetsItsStream) {
  for (const std::string part : {"", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc", "HTTP/1.1 200"}) {
    Begin(kGet);
    if (!part.empty()) Write(*far_end_, part);
    far_end_.reset();
    Settle();
    EXPECT_TRUE(near_end_->readiness().broken());
    EXPECT_EQ(Read(*near_end_), "<reset>");
  }
}

TEST_F(Ends, AResponseWithoutLengthIsWholeOnlyWhenItsWriterSaysSo) {
  Begin(kGet);
  Write(*far_end_, "HTTP/1.0 200 OK\r\n\r\nabc");
  EXPECT_THAT(Read(*near_end_), EndsWith("3\r\nabc\r\n"));
  far_end_->readiness().ResetOnClose();
  far_end_.reset();
  Settle();
  EXPECT_EQ(Read(*near_end_), "<reset>");
}

TEST_F(Ends, WhatIsNoMessageBreaksTheStream) {
  Begin(kGet);
  EXPECT_EQ(far_end_->TryWrite(std::string("nonsense\r\n\r\n")).error, io::Error::kOther);
  Settle();
  EXPECT_EQ(Read(*near_end_), "<reset>");
  Begin(kChunkedPost);
  EXPECT_EQ(near_end_->TryWrite(std::string("zz\r\n")).error, io::Error::kOther);
  Settle();
  EXPECT_EQ(Read(*far_end_), "<reset>");
  near_end_ = client_->Open();
  EXPECT_EQ(near_end_->TryWrite(std::string("GET / HTTP/9\r\n\r\n")).error, io::Error::kOther);
  near_end_.reset();
  EXPECT_EQ(client_->streams(), 0u);
}

TEST_F(Ends, NothingIsTakenAfterTheEndOfAMessage) {
  Begin(kGet);
  EXPECT_EQ(far_end_->TryWrite(kEmpty + kEmpty).bytes, kEmpty.size());
  EXPECT_EQ(far_end_->TryWrite(kEmpty).error, io::Error::kOther);
}

TEST_F(Ends, AnUpgradeIsNoResponse) {
  Begin(kGet);
  EXPECT_EQ(far_end_->TryWrite(std::string("HTTP/1.1 101 Switching Protocols\r\n\r\n")).error,
            io::Error::kOther);
}

TEST_F(Ends, AReaderThatDoesNotReadBoundsWhatIsTakenAndStopsNobodyElse) {
  Begin("PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 100000000\r\n\r\n");
  const size_t up = Pour(*near_end_);
  EXPECT_GE(up, kStreamWindowBytes);
  EXPECT_LE(up, kStreamWindowBytes + 2 * kStreamQueueBytes);
  Write(*far_end_, "HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n");
  const size_t down = Pour(*far_end_);
  EXPECT_GE(down, kStreamWindowBytes);
  EXPECT_LE(down, kStreamWindowBytes + 2 * kStreamQueueBytes);

  // Many more that are not read either are no obstacle.
  std::vector<std::unique_ptr<io::Stream>> stalled;
  for (int i = 0; i < 40; ++i) {
    stalled.push_back(std::move(near_end_));
    stalled.push_back(std::move(far_end_));
    Begin("PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 100000000\r\n\r\n");
    Pour(*near_end_);
  }
  Begin("PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc");
  EXPECT_THAT(Read(*far_end_), EndsWith("\r\n\r\nabc"));

  // When it reads after all, the writer gets on.
  size_t got = 0;
  for (std::string text = Read(*stalled[1]); text != "<again>"; text = Read(*stalled[1])) got += text.size();
  EXPECT_GE(got, kStreamWindowBytes);
  Settle();
  EXPECT_TRUE(stalled[0]->TryWrite(std::string("x")).ok());
}

TEST_F(Ends, AWriterIsWokenWhenThereIsRoom) {
  Begin("PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n");
  const std::string body(1000000, 'x');
  io::Task<void> writing = [](io::Stream* stream, const std::string* text) -> io::Task<void> {
    const std::string_view bytes = *text;
    const io::IoResult put = co_await stream->Write(bytes);
    EXPECT_TRUE(put.ok());
  }(near_end_.get(), &body);
  writing.Start();
  Settle();
  EXPECT_FALSE(writing.done());
  std::string got;
  Do([](io::Stream* stream, std::string* text) -> io::Task<void> { *text = co_await ReadRequest(*stream); }(
                                                   far_end_.get(), &got));
  Do(std::move(writing));
  EXPECT_THAT(got, EndsWith(body));
}

TEST_F(Ends, DeadlinesHoldForOneStream) {
  Begin(kGet);
  near_end_->readiness().SetDeadline(io::Clock::now() + std::chrono::milliseconds(2));
  std::string got;
  Do([](io::Stream* stream, std::string* text) -> io::Task<void> { *text = co_await ReadAll(*stream); }(
                                                   near_end_.get(), &got));
  EXPECT_EQ(got, "<timeout>");
  EXPECT_FALSE(client_->ended());
}

TEST_F(Ends, StreamsOutliveTheirSessions) {
  Begin(kGet);
  Write(*far_end_, kEmpty);
  std::unique_ptr<io::Stream> answered = std::move(near_end_);
  Begin(kGet);
  client_->Close();
  server_->Close();
  Settle();
  EXPECT_TRUE(client_->ended() && server_->ended());
  client_.reset();
  server_.reset();
  EXPECT_EQ(Read(*answered), kEmpty) << "it had arrived";
  EXPECT_EQ(Read(*near_end_), "<reset>");
  EXPECT_EQ(Read(*far_end_), "<reset>");
  EXPECT_EQ(near_end_->TryWrite(kGet).error, io::Error::kReset);
}

}  // namespace
}  // namespace tulle::http2
