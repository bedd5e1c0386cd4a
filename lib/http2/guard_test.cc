#include "lib/http2/guard.h"

#include <gmock/gmock.h>
#include <nghttp2/nghttp2.h>

#include <string>

#include "lib/http2/frames_for_test.h"

namespace tulle::http2 {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::IsNull;
using ::testing::StrEq;

const TimePoint kStart{};

// How many of these frames pass one after another, up to `most`.
size_t Passed(Guard& guard, const std::string& frame, size_t most, const char** why,
              milliseconds pause = {}) {
  TimePoint now = kStart + seconds(2);
  for (size_t passed = 0; passed < most; ++passed) {
    if ((*why = guard.Look(frame, now)) != nullptr) return passed;
    now += pause;
  }
  return most;
}

class GuardTest : public ::testing::Test {
 protected:
  Limits limits_;
  // Of a client whose preface has passed.
  Guard Client() {
    Guard guard(limits_, true, kStart);
    guard.Look(NGHTTP2_CLIENT_MAGIC, kStart);
    return guard;
  }

  Guard server_{limits_, false, kStart};
  const char* why_ = nullptr;
};

TEST_F(GuardTest, FramesThatCarryNothingAreCounted) {
  const struct {
    std::string frame;
    const char* why;
  } cases[] = {
      {Frame(NGHTTP2_PING, 0, 0, "12345678"), "http2/ping-flood"},
      {Frame(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, "12345678"), "http2/ping-flood"},
      {Frame(NGHTTP2_SETTINGS, 0, 0, ""), "http2/settings-flood"},
      {Frame(NGHTTP2_PRIORITY, 0, 1, "12345"), "http2/priority-flood"},
      {Frame(NGHTTP2_WINDOW_UPDATE, 0, 0, "1234"), "http2/window-update-flood"},
      {Frame(NGHTTP2_DATA, 0, 1, ""), "http2/empty-data-flood"},
      {Frame(NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, 1, std::string("\1\0", 2)), "http2/empty-data-flood"},
      {Frame(0xbb, 0, 0, "what"), "http2/unknown-frame-flood"},
  };
  for (const auto& one : cases) {
    Guard guard(limits_, false, kStart);
    EXPECT_EQ(Passed(guard, one.frame, 100000, &why_), static_cast<size_t>(kIdleFrameBurst)) << one.why;
    EXPECT_THAT(why_, StrEq(one.why));
  }
}

TEST_F(GuardTest, AtALowRateTheyPassForEver) {
  EXPECT_EQ(Passed(server_, Frame(NGHTTP2_PING, 0, 0, "12345678"), 20000, &why_, milliseconds(4)), 20000u);
}

TEST_F(GuardTest, DataAndRequestsAreFree) {
  EXPECT_EQ(Passed(server_, Frame(NGHTTP2_DATA, 0, 1, "x"), 50000, &why_), 50000u);
  EXPECT_EQ(Passed(server_, Frame(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1, ""), 50000, &why_), 50000u);
  EXPECT_EQ(Passed(server_, Frame(NGHTTP2_HEADERS, 5, 1, "x"), 50000, &why_), 50000u);
}

TEST_F(GuardTest, WhatWeSendEarnsFramesThatAnswerIt) {
  const std::string update = Frame(NGHTTP2_WINDOW_UPDATE, 0, 0, "1234");
  for (int i = 0; i < 10000; ++i) {
    server_.OnDataSent(1);
    ASSERT_THAT(server_.Look(update, kStart), IsNull());
    ASSERT_THAT(server_.Look(update, kStart), IsNull());
  }
  Guard client(limits_, true, kStart);
  for (int i = 0; i < 10000; ++i) {
    client.OnRequest();
    client.OnDataSent(16000);
    for (int j = 0; j < 10; ++j)
      ASSERT_THAT(client.Look(std::string(24, ' ').substr(i ? 24 : 0) + update, kStart), IsNull());
  }
}

TEST_F(GuardTest, AClientThatLetsUsSendByteByByteEarnsNothing) {
  Guard client(limits_, true, kStart);
  EXPECT_THAT(client.Look(std::string(24, ' '), kStart), IsNull());
  const std::string update = Frame(NGHTTP2_WINDOW_UPDATE, 0, 0, "1234");
  size_t passed = 0;
  for (; passed < 100000 && client.Look(update, kStart) == nullptr; ++passed) client.OnDataSent(1);
  EXPECT_EQ(passed, static_cast<size_t>(kIdleFrameBurst));
}

TEST_F(GuardTest, ContinuationsAreBoundedPerHead) {
  const std::string head = Frame(NGHTTP2_HEADERS, 0, 1, "x");
  const std::string more = Frame(NGHTTP2_CONTINUATION, 0, 1, "");
  for (int i = 0; i < 100; ++i) {
    ASSERT_THAT(server_.Look(head, kStart), IsNull());
    ASSERT_EQ(Passed(server_, more, kMaxContinuations, &why_), static_cast<size_t>(kMaxContinuations));
  }
  EXPECT_THAT(server_.Look(more, kStart), StrEq("http2/continuation-flood"));
}

TEST_F(GuardTest, ResetsHaveABurstAndARate) {
  const std::string reset = Frame(NGHTTP2_RST_STREAM, 0, 1, "1234");
  Guard client = Client();
  EXPECT_EQ(Passed(client, reset, 10000, &why_), static_cast<size_t>(limits_.reset_burst));
  EXPECT_THAT(why_, StrEq("http2/rapid-reset"));
  EXPECT_EQ(Passed(server_, reset, 10000, &why_), 10000u);  // a server ends calls as it likes
  Guard slow = Client();
  EXPECT_EQ(Passed(slow, reset, 10000, &why_, milliseconds(40)), 10000u);
  Guard own(limits_, false, kStart);
  size_t passed = 0;
  while (own.OnOwnReset(kStart) == nullptr) ++passed;
  EXPECT_EQ(passed, static_cast<size_t>(limits_.reset_burst));
  EXPECT_THAT(own.OnOwnReset(kStart), StrEq("http2/malformed-flood"));
}

TEST_F(GuardTest, ANewConnectionThatResetsMostOfItsRequestsGoesEarlier) {
  limits_.reset_burst = 100000;
  Guard guard = Client();
  const std::string reset = Frame(NGHTTP2_RST_STREAM, 0, 1, "1234");
  size_t passed = 0;
  for (; passed < 10000; ++passed) {
    guard.OnRequest();
    if (guard.Look(reset, kStart + milliseconds(900)) != nullptr) break;
  }
  EXPECT_EQ(passed, kRapidResetRequests);
  Guard later = Client();
  for (int i = 0; i < 10000; ++i) {
    later.OnRequest();
    ASSERT_THAT(later.Look(reset, kStart + milliseconds(1100)), IsNull());
  }
}

TEST_F(GuardTest, SettingsAreBounded) {
  EXPECT_THAT(server_.Look(Frame(NGHTTP2_SETTINGS, 0, 0, std::string(6 * kMaxSettings, '\0')), kStart),
              IsNull());
  EXPECT_THAT(server_.Look(Frame(NGHTTP2_SETTINGS, 0, 0, std::string(6 * kMaxSettings + 6, '\0')), kStart),
              StrEq("http2/too-many-settings"));
}

TEST_F(GuardTest, FramesAreFoundHoweverTheyAreCut) {
  const std::string stream = std::string(24, 'P') + Frame(NGHTTP2_DATA, 0, 1, std::string(300, '\6')) +
                             Frame(NGHTTP2_HEADERS, 0, 1, "abc") + Frame(NGHTTP2_RST_STREAM, 0, 1, "1234");
  limits_.reset_burst = 0;
  limits_.resets_per_second = 0;
  for (size_t piece = 1; piece < stream.size(); ++piece) {
    Guard guard(limits_, true, kStart);
    size_t at = 0;
    for (; at < stream.size(); at += piece) {
      if (guard.Look(std::string_view(stream).substr(at, piece), kStart) != nullptr) break;
    }
    EXPECT_LT(at, stream.size());
    EXPECT_GT(at + piece, stream.size() - 5);
  }
}

}  // namespace
}  // namespace tulle::http2
