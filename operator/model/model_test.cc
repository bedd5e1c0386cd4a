#include "operator/model/model.h"

#include <gtest/gtest.h>

namespace tulle::control::model {
namespace {

Split MakeSplit(int64_t generation, std::optional<std::string> service, json::Problems problems = {}) {
  Split split;
  split.meta = {.kind = CustomKind::kSplit, .ns = "shop", .name = "web", .uid = "1", .created = "2026"};
  split.meta.generation = generation;
  split.meta.problems = std::move(problems);
  if (service) split.spec = resources::Split{.service = *service, .port = {}, .backends = {}};
  return split;
}

TEST(Model, SaysWhatAChangeMeans) {
  Model model;
  const Service service{"shop", "web", {"10.0.0.1"}, {}};
  EXPECT_EQ(model.Put(service), Effect::kConfig);
  EXPECT_EQ(model.Put(service), Effect::kNone);
  EXPECT_EQ(model.Remove(Kind::kService, "shop/web"), Effect::kConfig);
  EXPECT_EQ(model.Remove(Kind::kService, "shop/web"), Effect::kNone);
}

TEST(Model, AChangeOfStatusAloneIsNoChangeOfConfig) {
  Model model;
  EXPECT_EQ(model.Put(MakeSplit(1, "web")), Effect::kConfig);
  Split with_status = MakeSplit(1, "web");
  with_status.meta.conditions = {{"Live", "True", "x", "y", 1, "z"}};
  EXPECT_EQ(model.Put(with_status), Effect::kStatusOnly);
  EXPECT_EQ(model.Put(with_status), Effect::kNone);
  EXPECT_EQ(model.Put(MakeSplit(2, "web")), Effect::kConfig);
}

TEST(Model, TheLastGoodSpecStays) {
  Model model;
  model.Put(MakeSplit(1, "web"));
  model.Put(MakeSplit(2, std::nullopt, {{"spec.service", "is missing"}}));
  EXPECT_EQ(model.splits.at("shop/web").spec->service, "web");
  EXPECT_EQ(model.splits.at("shop/web").meta.generation, 2);
  EXPECT_EQ(model.splits.at("shop/web").meta.problems.size(), 1u);
}

TEST(Model, ANewObjectOfTheSameNameInheritsNothing) {
  Model model;
  model.Put(MakeSplit(1, "web"));
  Split other = MakeSplit(1, std::nullopt, {{"spec.service", "is missing"}});
  other.meta.uid = "2";
  model.Put(other);
  EXPECT_FALSE(model.splits.at("shop/web").spec.has_value());
}

}  // namespace
}  // namespace tulle::control::model
