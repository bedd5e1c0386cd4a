#include "operator/status/parents.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace tulle::control::status {
namespace {

using nlohmann::json;

// An HTTPRoute with Services web and api as parents, of whose status another controller has written a part.
class ParentsTest : public testing::Test {
 protected:
  ParentsTest() {
    web_.group = api_.group = "";
    web_.kind = api_.kind = "Service";
    web_.name = "web";
    api_.name = "api";
    route_.resource_version = "7";
    model::ParentStatus other;
    other.controller = "other.io/controller";
    other.text =
        R"({"controllerName":"other.io/controller","parentRef":{"name":"web"},"conditions":[],"more":1})";
    route_.statuses.push_back(other);
  }

  static std::vector<model::Condition> Accepted(const std::string& status) {
    return {{"Accepted", status, "Reason", "", 1, ""}};
  }
  // What the API server shows after `patch`.
  void Apply(const json& patch, std::vector<model::ParentRef> parents) {
    route_.statuses.resize(1);
    for (size_t i = 0; i < parents.size(); ++i) {
      const json& entry = patch["status"]["parents"][i + 1];
      const json& c = entry["conditions"][0];
      route_.statuses.push_back(
          {parents[i],
           entry["controllerName"],
           {{c["type"], c["status"], c["reason"], c["message"], 1, c["lastTransitionTime"]}},
           entry.dump()});
    }
  }

  model::ParentRef web_, api_;
  Route route_;
};

TEST_F(ParentsTest, OursStandBesideWhatOthersSay) {
  const auto patch = PatchOfParents(route_, {{web_, Accepted("True")}}, "now");
  ASSERT_TRUE(patch.has_value());
  const json& parents = (*patch)["status"]["parents"];
  ASSERT_EQ(parents.size(), 2u);
  EXPECT_EQ(parents[0], json::parse(route_.statuses[0].text));
  EXPECT_EQ(parents[1]["controllerName"], "tulle.dev/controller");
  EXPECT_EQ(parents[1]["parentRef"], (json{{"group", ""}, {"kind", "Service"}, {"name", "web"}}));
  EXPECT_EQ(parents[1]["conditions"][0]["lastTransitionTime"], "now");
  EXPECT_EQ((*patch)["metadata"]["resourceVersion"], "7");
}

TEST_F(ParentsTest, NothingIsPatchedWhenItSaysSoAlready) {
  Apply(*PatchOfParents(route_, {{web_, Accepted("True")}}, "now"), {web_});
  EXPECT_FALSE(PatchOfParents(route_, {{web_, Accepted("True")}}, "later").has_value());
}

TEST_F(ParentsTest, OnlyTheStatusThatChangesGetsANewTime) {
  Apply(*PatchOfParents(route_, {{web_, Accepted("True")}, {api_, Accepted("True")}}, "now"), {web_, api_});
  const auto patch = PatchOfParents(route_, {{web_, Accepted("True")}, {api_, Accepted("False")}}, "later");
  ASSERT_TRUE(patch.has_value());
  EXPECT_EQ((*patch)["status"]["parents"][1]["conditions"][0]["lastTransitionTime"], "now");
  EXPECT_EQ((*patch)["status"]["parents"][2]["conditions"][0]["lastTransitionTime"], "later");
}

TEST_F(ParentsTest, AParentThatIsNoneAnyMoreIsForgotten) {
  Apply(*PatchOfParents(route_, {{web_, Accepted("True")}, {api_, Accepted("True")}}, "now"), {web_, api_});
  const auto patch = PatchOfParents(route_, {{api_, Accepted("True")}}, "later");
  ASSERT_TRUE(patch.has_value());
  ASSERT_EQ((*patch)["status"]["parents"].size(), 2u);
  EXPECT_EQ((*patch)["status"]["parents"][1]["parentRef"]["name"], "api");
}

TEST_F(ParentsTest, ARouteThatIsNoneOfOursIsLeftAlone) {
  EXPECT_FALSE(PatchOfParents(route_, {}, "now").has_value());
}

}  // namespace
}  // namespace tulle::control::status
