#include "lib/meshconfig/stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "lib/meshconfig/codec.h"

namespace tulle::meshconfig {
namespace {

using ::testing::HasSubstr;

Message RoundTrip(const Message& message) {
  std::string line = EncodeMessage(message);
  EXPECT_EQ(line.back(), '\n');
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  line.pop_back();
  auto again = DecodeMessage(line);
  EXPECT_TRUE(again.ok()) << json::JoinProblems(again.failure());
  return std::move(*again);
}

TEST(Stream, EveryMessageSurvivesItsLine) {
  Message messages[6];
  messages[0].hello = Hello{"shop/web-1", "shop/web", "0.1.0"};
  messages[1].subscribe = Subscribe{{"mesh", "address/10.0.0.1"}, {{"mesh", "abc"}}};
  messages[2].unsubscribe = Unsubscribe{{"address/10.0.0.1"}};
  messages[3].ack = Ack{7, {{"mesh", "abc", "trustBundle: \"x\"\nis not PEM"}}};
  messages[4].update =
      Update{8, {MakeResource("mesh", R"({"b":[1, 2],"a":"\u00e4"})")}, {"service/shop/old"}};
  messages[5].heartbeat = Heartbeat{"0123"};
  for (const Message& message : messages) EXPECT_EQ(RoundTrip(message), message) << EncodeMessage(message);
}

TEST(Stream, EmptyListsSurviveToo) {
  Message message;
  message.update = Update{};
  EXPECT_EQ(RoundTrip(message), message);
  message = {};
  message.subscribe = Subscribe{};
  EXPECT_EQ(RoundTrip(message), message);
}

std::string FailureOf(std::string_view line) {
  const auto message = DecodeMessage(line);
  return message ? "ok" : json::JoinProblems(message.failure());
}

TEST(Stream, BadLinesSayWhatIsWrong) {
  EXPECT_THAT(FailureOf(""), HasSubstr("expected an object"));
  EXPECT_THAT(FailureOf("{}"), HasSubstr("exactly one member"));
  EXPECT_THAT(FailureOf(R"({"hello":{"pod":"a","workload":"b"},"ack":{"id":1}})"),
              HasSubstr("exactly one member"));
  EXPECT_EQ(FailureOf(R"({"goodbye":{}})"), "goodbye: unknown kind of message");
  EXPECT_EQ(FailureOf(R"({"ack":{"id":"1"}})"), "ack.id: expected an integer, got the string \"1\"");
  EXPECT_EQ(FailureOf(R"({"hello":{"pod":"a"}})"), "hello.workload: is required");
  EXPECT_EQ(FailureOf(R"({"update":{"resources":[]}})"), "update.id: is required");
  EXPECT_EQ(FailureOf(R"({"update":{"id":1,"resources":[{"name":"mesh","version":"1"}]}})"),
            "update.resources[0].body: is required");
  EXPECT_THAT(FailureOf(R"({"update":{"id":1,"removed":["a",]}})"), HasSubstr("update: "));
}

TEST(StateHash, DoesNotDependOnTheOrder) {
  EXPECT_EQ(StateHash({{"a", "1"}, {"b", "2"}}), StateHash({{"b", "2"}, {"a", "1"}}));
  EXPECT_NE(StateHash({{"a", "1"}, {"b", "2"}}), StateHash({{"a", "2"}, {"b", "1"}}));
  EXPECT_EQ(StateHash({}).size(), 16u);
}

}  // namespace
}  // namespace tulle::meshconfig
