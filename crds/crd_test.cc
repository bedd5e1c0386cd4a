#include "crds/crd.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "crds/yaml.h"
#include "lib/resources/kinds.h"
#include "lib/resources/manifest.h"
#include "lib/resources/parse.h"

namespace tulle::crds {
namespace {

using ::testing::HasSubstr;

const std::filesystem::path kRoot = TULLE_ROOT;

std::string Read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

TEST(Crds, FilesInGitAreWhatTheTypesPrint) {
  for (const File& file : GeneratedFiles()) {
    EXPECT_EQ(Read(kRoot / file.path), file.text)
        << file.path << " has drifted from lib/resources/types.h; run: build/dev/bin/tulle-crds --write .";
  }
}

TEST(Crds, EveryKindHasAnExampleThatParses) {
  resources::ForEachKind([](const auto& kind) {
    const auto path = kRoot / "crds" / "examples" / (std::string(kind.singular) + ".yaml");
    auto documents = resources::ReadManifest(Read(path));
    ASSERT_TRUE(documents.ok()) << path << ": " << json::JoinProblems(documents.failure());
    ASSERT_EQ(documents->size(), 1u) << path;
    auto object = resources::ParseObject(documents->front());
    ASSERT_TRUE(object.ok()) << path << ": " << json::JoinProblems(object.failure());
    EXPECT_EQ(object->kind, kind.kind);
  });
}

// The rules of structural schemas that an API server checks when a CRD is created: every node has a type, and
// all that iterates is bounded, because the cost of CEL rules is estimated from it.
void ExpectStructural(const nlohmann::json& schema, const std::string& path) {
  EXPECT_TRUE(schema.contains("type")) << path;
  const std::string type = schema.value("type", "");
  if (type == "array") {
    EXPECT_TRUE(schema.contains("maxItems")) << path;
    ExpectStructural(schema["items"], path + "[]");
  }
  if (type == "string" && path.find(".status.") == path.npos && path.find(".spec.") != path.npos) {
    EXPECT_TRUE(schema.contains("maxLength") || schema.contains("enum")) << path;
  }
  if (schema.contains("additionalProperties")) {
    EXPECT_TRUE(schema.contains("maxProperties")) << path;
    ExpectStructural(schema["additionalProperties"], path + "{}");
  }
  if (!schema.contains("properties")) return;
  for (const auto& [name, property] : schema["properties"].items())
    ExpectStructural(property, path + "." + name);
}

TEST(Crds, SchemasAreStructuralAndBounded) {
  for (const File& file : GeneratedFiles()) {
    if (!file.path.ends_with(".yaml")) continue;
    auto documents = resources::ReadManifest(file.text);
    ASSERT_TRUE(documents.ok()) << json::JoinProblems(documents.failure());
    ExpectStructural(documents->front()["spec"]["versions"][0]["schema"]["openAPIV3Schema"], file.path + ":");
  }
}

TEST(Yaml, ComesBackAsItWas) {
  const auto value = nlohmann::ordered_json::parse(
      R"({"a":"yes","b":"1","c":[{"d":"x: y","e":[]},{"f":{}}],"g":{"h":["- a","",true,null,1.5,"é\n"]},"On":"#x","i":[[1,2],[3]]})");
  auto documents = resources::ReadManifest(PrintYaml(value));
  ASSERT_TRUE(documents.ok()) << PrintYaml(value) << json::JoinProblems(documents.failure());
  EXPECT_EQ(documents->front(), nlohmann::json(value)) << PrintYaml(value);
}

}  // namespace
}  // namespace tulle::crds
