#include "lib/json/parse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/json/print.h"
#include "lib/json/text.h"

namespace tulle::json {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

enum class Colour { kRed, kGreen };
constexpr auto Names(Colour) {
  return std::array<std::pair<Colour, std::string_view>, 2>{
      {{Colour::kRed, "Red"}, {Colour::kGreen, "Green"}}};
}

struct Leaf {
  std::string name;
  int64_t weight = 1;
  std::optional<Regex> regex;

  bool operator==(const Leaf&) const = default;
  static constexpr auto Describe() {
    return Object("A leaf.",
                  Field("name", &Leaf::name, "Its name.", {.required = true, .min_items = 1, .max_items = 5}),
                  Field("weight", &Leaf::weight, "Its weight.", {.minimum = 0, .maximum = 10}),
                  Field("regex", &Leaf::regex, "What it matches."));
  }
};

struct Tree {
  std::vector<Leaf> leaves;
  std::map<std::string, std::string> labels;
  std::optional<Colour> colour;
  std::optional<bool> tall;
  base::Duration age = std::chrono::seconds(1);
  std::vector<int64_t> ports;

  bool operator==(const Tree&) const = default;
  static constexpr auto Describe() {
    return Object("A tree.", Field("leaves", &Tree::leaves, "Its leaves.", {.max_items = 3}),
                  Field("labels", &Tree::labels, "Its labels.",
                        {.max_items = 2, .max_value_length = 4, .key_pattern = "[a-z./]+"}),
                  Field("colour", &Tree::colour, "Its colour."),
                  Field("tall", &Tree::tall, "Whether it is tall."),
                  Field("age", &Tree::age, "Its age.", {.minimum = 1}),
                  Field("ports", &Tree::ports, "Numbers.", {.minimum = 1, .maximum = 65535}),
                  Rule<Tree>("!has(self.tall) || has(self.leaves)", "a tall tree has leaves",
                             [](const Tree& t) { return !t.tall.has_value() || !t.leaves.empty(); }));
  }
};

std::vector<std::string> ProblemsOf(std::string_view text) {
  const auto value = ReadText(text);
  EXPECT_TRUE(value.ok()) << JoinProblems(value.failure());
  const auto tree = Parse<Tree>(*value, "spec");
  std::vector<std::string> texts;
  if (!tree) {
    for (const Problem& problem : tree.failure()) texts.push_back(problem.Text());
  }
  return texts;
}

TEST(Parse, ReadsWhatPrintWrites) {
  Tree tree;
  tree.leaves = {{"oak", 3, Regex{"a|b"}}, {"elm", 1, std::nullopt}};
  tree.labels = {{"app/x", "y"}};
  tree.colour = Colour::kGreen;
  tree.tall = true;
  tree.age = std::chrono::milliseconds(90500);
  tree.ports = {80};
  const auto again = Parse<Tree>(nlohmann::json(Print(tree)));
  ASSERT_TRUE(again.ok()) << JoinProblems(again.failure());
  EXPECT_EQ(*again, tree);
}

TEST(Parse, PrintLeavesOutWhatIsAbsentAndKeepsTheOrderOfTheTable) {
  EXPECT_EQ(PrintText(Tree{}), R"({"age":"1s"})");
  Tree tree;
  tree.leaves = {{"oak", 3, std::nullopt}};
  tree.tall = false;
  EXPECT_EQ(PrintText(tree), R"({"leaves":[{"name":"oak","weight":3}],"tall":false,"age":"1s"})");
}

TEST(Parse, AbsentFieldsKeepTheirDefaults) {
  const auto tree = Parse<Tree>(nlohmann::json::object());
  ASSERT_TRUE(tree.ok());
  EXPECT_EQ(*tree, Tree{});
}

TEST(Parse, NumbersOutOfBoundsNameTheirPlace) {
  EXPECT_THAT(ProblemsOf(R"({"leaves":[{"name":"a"},{"name":"b","weight":-1}]})"),
              ElementsAre("spec.leaves[1].weight: must be at least 0, got -1"));
  EXPECT_THAT(ProblemsOf(R"({"leaves":[{"name":"b","weight":18446744073709551615}]})"),
              ElementsAre("spec.leaves[0].weight: must be at most 10, got 18446744073709551615"));
  EXPECT_THAT(ProblemsOf(R"({"ports":[1,0]})"), ElementsAre("spec.ports[1]: must be at least 1, got 0"));
}

TEST(Parse, AWholeNumberMayBeWrittenAsFraction) {
  EXPECT_THAT(ProblemsOf(R"({"ports":[80.0]})"), IsEmpty());
  EXPECT_THAT(ProblemsOf(R"({"ports":[80.5]})"), ElementsAre("spec.ports[0]: expected an integer, got 80.5"));
}

TEST(Parse, UnknownFieldsSuggestTheNearest) {
  EXPECT_THAT(ProblemsOf(R"({"leaves":[{"name":"a","wieght":1}]})"),
              ElementsAre("spec.leaves[0].wieght: unknown field; did you mean \"weight\"?"));
  EXPECT_THAT(ProblemsOf(R"({"Colour":"Red"})"),
              ElementsAre("spec.Colour: unknown field; did you mean \"colour\"?"));
  EXPECT_THAT(ProblemsOf(R"({"zzzzzzzz":1})"), ElementsAre("spec.zzzzzzzz: unknown field"));
}

TEST(Parse, WrongTypesSayWhatWasExpectedAndWhatCame) {
  EXPECT_THAT(ProblemsOf(R"({"leaves":{}})"), ElementsAre("spec.leaves: expected a list, got an object"));
  EXPECT_THAT(ProblemsOf(R"({"leaves":[7]})"), ElementsAre("spec.leaves[0]: expected an object, got 7"));
  EXPECT_THAT(ProblemsOf(R"({"leaves":[{"name":true}]})"),
              ElementsAre("spec.leaves[0].name: expected a string, got true"));
  EXPECT_THAT(ProblemsOf(R"({"tall":"yes"})"),
              ElementsAre("spec.tall: expected true or false, got the string \"yes\""));
  EXPECT_THAT(ProblemsOf(R"({"ports":["80"]})"),
              ElementsAre("spec.ports[0]: expected an integer, got the string \"80\""));
  EXPECT_THAT(ProblemsOf(R"({"age":null})"),
              ElementsAre("spec.age: expected a duration such as \"250ms\" or \"2s\", got null"));
  EXPECT_THAT(ProblemsOf(R"("text")"), ElementsAre("spec: expected an object, got the string \"text\""));
}

TEST(Parse, EnumsListWhatIsAllowed) {
  EXPECT_THAT(ProblemsOf(R"({"colour":"red"})"),
              ElementsAre("spec.colour: must be one of Red, Green, got \"red\""));
}

TEST(Parse, RegexesMustCompileAndStaySmall) {
  EXPECT_THAT(ProblemsOf(R"({"leaves":[{"name":"a","regex":"(["}]})"),
              ElementsAre("spec.leaves[0].regex: \"([\" is not a regular expression (RE2): missing ]: ["));
  std::string large;
  for (int i = 0; i < 12; ++i) large += "[a-z]{900}";
  EXPECT_THAT(ProblemsOf(R"({"leaves":[{"name":"a","regex":")" + large + R"("}]})"),
              ElementsAre(HasSubstr("is too complex")));
}

TEST(Parse, Durations) {
  EXPECT_THAT(ProblemsOf(R"({"age":"2 s"})"),
              ElementsAre("spec.age: \"2 s\" is not a duration such as \"250ms\", \"2s\" or \"1m30s\""));
  EXPECT_THAT(ProblemsOf(R"({"age":"0s"})"), ElementsAre("spec.age: must be at least 1ms, got 0s"));
}

TEST(Parse, LengthsOfStringsListsAndMaps) {
  EXPECT_THAT(ProblemsOf(R"({"leaves":[{"name":""}]})"),
              ElementsAre("spec.leaves[0].name: must not be empty"));
  EXPECT_THAT(ProblemsOf(R"({"leaves":[{"name":"äöüßé"}]})"), IsEmpty());
  EXPECT_THAT(ProblemsOf(R"({"leaves":[{"name":"äöüßéa"}]})"),
              ElementsAre("spec.leaves[0].name: must have at most 5 characters, got 6"));
  EXPECT_THAT(ProblemsOf(R"({"leaves":[1,2,3,4]})"),
              ElementsAre("spec.leaves: must have at most 3 items, got 4"));
  EXPECT_THAT(ProblemsOf(R"({"labels":{"a":"","b":"","c":""}})"),
              ElementsAre("spec.labels: must have at most 2 entries, got 3"));
  EXPECT_THAT(ProblemsOf(R"({"labels":{"A b":"12345"}})"),
              ElementsAre("spec.labels[\"A b\"]: must match [a-z./]+, got \"A b\"",
                          "spec.labels[\"A b\"]: must have at most 4 characters, got 5"));
}

TEST(Parse, RulesOverSeveralFields) {
  EXPECT_THAT(ProblemsOf(R"({"tall":true})"), ElementsAre("spec: a tall tree has leaves"));
}

TEST(Parse, ReportsAllProblemsAtOnce) {
  EXPECT_THAT(
      ProblemsOf(R"({"leaves":[{"weight":11},{"name":7}],"colour":1,"x":{}})"),
      ElementsAre("spec.leaves[0].name: is required", "spec.leaves[0].weight: must be at most 10, got 11",
                  "spec.leaves[1].name: expected a string, got 7", "spec.colour: expected a string, got 1",
                  "spec.x: unknown field"));
}

TEST(Parse, StopsCountingProblems) {
  std::string text = "{";
  for (int i = 0; i < 1000; ++i) text += (i == 0 ? "\"k" : ",\"k") + std::to_string(i) + "\":1";
  EXPECT_THAT(ProblemsOf(text + "}"), SizeIs(kMaxProblems + 1));
}

TEST(Parse, MessagesStayShortAndPrintable) {
  const auto tree = Parse<Tree>(nlohmann::json{{"colour", std::string(1 << 20, 'x') + "\n"}});
  ASSERT_FALSE(tree.ok());
  EXPECT_LT(JoinProblems(tree.failure()).size(), 200u);
}

}  // namespace
}  // namespace tulle::json
