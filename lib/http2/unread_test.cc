#include <gmock/gmock.h>

#include "lib/http2/pair_for_test.h"

namespace tulle::http2 {
namespace {

constexpr size_t kStreams = 40;
constexpr Limits kLimits{.max_streams = kStreams, .unread = 256 << 10};
const std::string kBody(256 << 10, 'x');

// Many requests with bodies that the server does not read.
class Unread : public Pair {
 protected:
  Unread() : Pair(kLimits, false) {
    const std::string head =
        "PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: " + std::to_string(kBody.size()) + "\r\n\r\n";
    for (size_t i = 0; i < kStreams; ++i) {
      asking_.push_back(client_->Open());
      loop_.Spawn(Say(*asking_.back(), head + kBody));
    }
    loop_.Spawn(Take());
    Settle(50);
  }

  io::Task<void> Say(io::Stream& stream, std::string text) {
    for (std::string_view left = text; !left.empty();) {
      const std::string_view piece = left.substr(0, 4096);
      const io::IoResult put = co_await stream.Write(piece);
      if (!put.ok()) co_return;
      said_ += piece.size();
      left.remove_prefix(piece.size());
    }
  }
  io::Task<void> Take() {
    while (asked_.size() < kStreams) asked_.push_back(co_await server_->Next());
  }
  // All of them at a time, as their readers do.
  io::Task<void> ReadRequests() {
    std::vector<io::Task<void>> reading;
    for (const auto& stream : asked_) {
      reading.push_back(ReadOne(*stream));
      reading.back().Start();
    }
    for (auto& one : reading) co_await std::move(one);
  }
  io::Task<void> ReadOne(io::Stream& stream) {
    const std::string request = co_await ReadRequest(stream, 16 << 10);
    read_ += request.size();
  }

  // What the writers could hand over: what the server holds, what is under way, and what is queued.
  static constexpr size_t kBounded =
      kLimits.unread + kConnectionWindowBytes + kStreams * (kStreamQueueBytes + 4096);

  std::vector<std::unique_ptr<io::Stream>> asking_, asked_;
  size_t said_ = 0, read_ = 0;
};

TEST_F(Unread, TheStreamsOfOneConnectionTogetherAreBounded) {
  ASSERT_EQ(asked_.size(), kStreams);
  EXPECT_GT(said_, kLimits.unread);
  EXPECT_LT(said_, kBounded);
  EXPECT_LT(kBounded, kStreams * kStreamWindowBytes);
}

TEST_F(Unread, AllGoOnWhenTheyAreRead) {
  Do(ReadRequests());
  EXPECT_GT(read_, kStreams * kBody.size());
}

// Half of the readers leave, and what they did not read is nobody's any more.
TEST_F(Unread, TheOthersGoOnWhenReadersLeave) {
  asked_.resize(kStreams / 2);
  Settle();
  Do(ReadRequests());
  EXPECT_GT(read_, kStreams / 2 * kBody.size());
}

}  // namespace
}  // namespace tulle::http2
