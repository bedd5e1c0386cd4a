#include "lib/resources/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace tulle::resources {
namespace {

using ::testing::HasSubstr;

std::string Read(const std::string& text) {
  auto documents = ReadManifest(text);
  return documents ? nlohmann::json(*documents).dump() : json::JoinProblems(documents.failure());
}

TEST(Manifest, ReadsScalarsAsTheCoreSchemaSays) {
  EXPECT_EQ(Read("[1, -2, 1.5, 1e3, true, null, ~, yes, 0x1, 1.2.3, \"1\", '2', !!str 3, 08, 250ms, -, .5]"),
            R"([[1,-2,1.5,1000.0,true,null,null,"yes","0x1","1.2.3","1","2","3",8,"250ms","-",0.5]])");
}

TEST(Manifest, ReadsSeveralDocumentsAndLists) {
  EXPECT_EQ(Read("---\na: 1\n---\n---\nkind: List\nitems: [{b: 2}, {c: 3}]\n"),
            R"([{"a":1},{"b":2},{"c":3}])");
  EXPECT_EQ(Read(""), "[]");
  EXPECT_EQ(Read("# nothing\n"), "[]");
  EXPECT_EQ(Read(R"({"a": ["x"]})"), R"([{"a":["x"]}])");
}

TEST(Manifest, RefusesDuplicateKeys) {
  EXPECT_EQ(Read("spec:\n  weight: 1\n  weight: 2\n"), "spec.weight: field is given twice (line 3)");
}

TEST(Manifest, RefusesMalformedText) {
  EXPECT_THAT(Read("a: b: c\n"), HasSubstr("not YAML"));
  EXPECT_THAT(Read("a: [1\n"), HasSubstr("not YAML"));
  EXPECT_THAT(Read("a: *nowhere\n"), HasSubstr("not YAML"));
  EXPECT_THAT(Read("? [a]\n: 1\n"), HasSubstr("a key must be a string"));
  EXPECT_THAT(Read(": 1\n"), HasSubstr("a key must be a string"));
  EXPECT_THAT(Read("a: &a [*a]\n"), HasSubstr("an alias inside of what it stands for"));
  for (const char* text : {",", "]", "}", "a: 1\n---\n, b\n"})
    EXPECT_THAT(Read(text), HasSubstr("not YAML")) << text;
  Read(std::string("\0\x01\xff\xfe{]", 6));
}

TEST(Manifest, RefusesWhatGrowsWithoutBound) {
  EXPECT_FALSE(ReadManifest(std::string(100000, '[')).ok());
  EXPECT_THAT(Read(std::string(100, '[') + std::string(100, ']')), HasSubstr("nested deeper"));
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += std::string(i, ' ') + "a:\n";
  EXPECT_THAT(Read(deep), HasSubstr("nested deeper"));
  std::string laughs = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
    for (int j = 0; j < 9; ++j) laughs += "," + last;
    laughs += "]\n";
  }
  EXPECT_THAT(Read(laughs), HasSubstr("too large once its aliases are expanded"));
  EXPECT_THAT(Read(std::string(kMaxManifestBytes + 1, ' ')), HasSubstr("is longer than"));
}

}  // namespace
}  // namespace tulle::resources
