#include "lib/json/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace tulle::json {
namespace {

using ::testing::HasSubstr;

std::string FailureOf(std::string_view text) {
  auto value = ReadText(text);
  return value ? "ok" : JoinProblems(value.failure());
}

TEST(ReadText, ReadsJson) {
  auto value = ReadText(R"( {"a": [1, -2, 2.5, "x", true, null, {}]} )");
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(value->dump(), R"({"a":[1,-2,2.5,"x",true,null,{}]})");
}

TEST(ReadText, RefusesDuplicateKeysWithTheirPlace) {
  EXPECT_EQ(FailureOf(R"({"spec":{"backends":[{},{"weight":1,"weight":2}]}})"),
            "spec.backends[1].weight: field is given twice");
}

TEST(ReadText, RefusesWhatIsNotStrictJson) {
  for (const char* text : {"", " ", "{", "[1,]", "{\"a\":1,}", "{a:1}", "'a'", "01", "1 2", "// x\n1", "NaN",
                           "1e999", "\"\xff\"", "\"\\ud800\"", "\"a\nb\"", "\xef\xbb", "tru", "{\"a\" 1}"}) {
    EXPECT_NE(FailureOf(text), "ok") << text;
  }
}

TEST(ReadText, SaysWhereTheSyntaxBreaks) {
  EXPECT_THAT(FailureOf("{\"a\":\n ]"), HasSubstr("line 2, column 2"));
}

TEST(ReadText, LimitsDepth) {
  const auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_EQ(FailureOf(nested(kMaxDepth)), "ok");
  EXPECT_THAT(FailureOf(nested(kMaxDepth + 1)), HasSubstr("nested deeper than 64 levels"));
  EXPECT_THAT(FailureOf(std::string(10'000'000, '[')), HasSubstr("nested deeper than 64 levels"));
}

TEST(ReadText, LimitsSize) {
  EXPECT_THAT(JoinProblems(ReadText("[1,2,3]", 6).failure()), HasSubstr("longer than the limit of 6"));
}

TEST(ReadText, ManyDuplicatesEndTheParse) {
  std::string text = "{\"k\":0";
  for (int i = 0; i < 100000; ++i) text += ",\"k\":1";
  EXPECT_EQ(ReadText(text + "}").failure().size(), kMaxProblems);
}

TEST(SplitObject, ReturnsTheExactTextOfItsValues) {
  auto members = SplitObject(R"( { "a" : {"x": [ 1,"}\"]" ] } , "b\u0063":-1.5e3,"d":"s\\" } )");
  ASSERT_TRUE(members.ok()) << JoinProblems(members.failure());
  ASSERT_EQ(members->size(), 3u);
  EXPECT_EQ((*members)[0].value, R"({"x": [ 1,"}\"]" ] })");
  EXPECT_EQ((*members)[1].key, "bc");
  EXPECT_EQ((*members)[1].value, "-1.5e3");
  EXPECT_EQ((*members)[2].value, R"("s\\")");
}

TEST(SplitObject, RefusesBrokenObjects) {
  for (const char* text : {"", "{", "[]", "{}x", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{\"a\":1", "{a:1}",
                           "{\"a\":{}", "{\"a\":\"x}", "{\"a\":1,\"a\":2}", "{\"\xff\":1}", "{\"a\":1 2}"}) {
    EXPECT_FALSE(SplitObject(text).ok()) << text;
  }
  EXPECT_TRUE(SplitObject(" {} ").ok());
}

TEST(SplitList, ReturnsTheExactTextOfItsValues) {
  auto values = SplitList(R"([ 1 ,{"a":"]"},[ ] ])");
  ASSERT_TRUE(values.ok());
  ASSERT_EQ(values->size(), 3u);
  EXPECT_EQ((*values)[1], R"({"a":"]"})");
  EXPECT_EQ((*values)[2], "[ ]");
  EXPECT_TRUE(SplitList("[]").ok());
  for (const char* text : {"", "[", "[1,]", "[,1]", "{}", "[1]]", "[1 2]"})
    EXPECT_FALSE(SplitList(text).ok()) << text;
}

}  // namespace
}  // namespace tulle::json
