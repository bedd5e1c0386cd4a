#include "operator/distribute/subscriber.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/meshconfig/codec.h"
#include "operator/distribute/limits.h"

namespace tulle::control::distribute {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

// Resources whose bodies are any text; what refers to what as in a real mesh.
class SubscriberTest : public testing::Test {
 protected:
  void Set(const std::string& name, const std::string& body, std::vector<std::string> refers_to = {}) {
    compiled_.entries[name] = {meshconfig::MakeResource(name, body), std::move(refers_to)};
  }
  SubscriberTest() {
    Set("mesh", "m1");
    Set("workload/shop/client", "w1");
    Set("address/10.0.0.1", "a1", {"service/shop/web"});
    Set("service/shop/web", "s1", {"endpoints/shop/web"});
    Set("endpoints/shop/web", "e1");
  }

  void Want(std::vector<std::string> names, std::vector<meshconfig::Held> held = {}) {
    EXPECT_EQ(subscriber_.Subscribe({std::move(names), std::move(held)}, "shop"), std::nullopt);
  }
  // Names of the next update, in order; empty where there is none.
  std::vector<std::string> Next() {
    last_ = subscriber_.Next(compiled_);
    std::vector<std::string> names;
    if (!last_) return names;
    for (const auto& resource : last_->resources) names.push_back(resource.name);
    return names;
  }
  bool Ack(std::vector<meshconfig::Rejection> rejected = {}) {
    return subscriber_.Ack({last_->id, std::move(rejected)});
  }
  std::string Version(const std::string& name) { return compiled_.entries.at(name).resource.version; }

  compile::Compiled compiled_;
  Subscriber subscriber_;
  std::optional<meshconfig::Update> last_;
};

TEST_F(SubscriberTest, SendsTheClosureInOneUpdateReferredFirst) {
  Want({"mesh", "address/10.0.0.1"});
  EXPECT_THAT(Next(), ElementsAre("mesh", "endpoints/shop/web", "service/shop/web", "address/10.0.0.1"));
  EXPECT_TRUE(Ack());
  EXPECT_THAT(Next(), IsEmpty());
}

TEST_F(SubscriberTest, OmitsWhatIsHeldAlready) {
  Want({"mesh", "address/10.0.0.1"}, {{"mesh", Version("mesh")},
                                      {"service/shop/web", "old"},
                                      {"endpoints/shop/web", Version("endpoints/shop/web")}});
  EXPECT_THAT(Next(), ElementsAre("service/shop/web", "address/10.0.0.1"));
}

TEST_F(SubscriberTest, OneUpdateIsUnderWayAndTheRestCoalesces) {
  Want({"address/10.0.0.1"});
  Next();
  Set("endpoints/shop/web", "e2");
  EXPECT_EQ(subscriber_.Next(compiled_), std::nullopt);
  Set("endpoints/shop/web", "e3");
  EXPECT_EQ(subscriber_.Next(compiled_), std::nullopt);
  EXPECT_EQ(subscriber_.Beat(), std::nullopt);
  EXPECT_TRUE(Ack());
  EXPECT_THAT(Next(), ElementsAre("endpoints/shop/web"));
  EXPECT_EQ(last_->resources[0].body, "e3");
}

TEST_F(SubscriberTest, NamesWhatCeasedToBe) {
  Want({"address/10.0.0.1"});
  Next();
  Ack();
  Set("service/shop/web", "s2", {});
  compiled_.entries.erase("endpoints/shop/web");
  EXPECT_THAT(Next(), ElementsAre("service/shop/web"));
  EXPECT_THAT(last_->removed, ElementsAre("endpoints/shop/web"));
  Ack();
  EXPECT_FALSE(subscriber_.held().contains("endpoints/shop/web"));
}

TEST_F(SubscriberTest, WhatNobodyRefersToAfterAnUnsubscribeGoes) {
  Want({"mesh", "address/10.0.0.1"});
  Next();
  Ack();
  subscriber_.Unsubscribe({{"address/10.0.0.1"}});
  EXPECT_THAT(Next(), IsEmpty());
  EXPECT_THAT(last_->removed, ElementsAre("address/10.0.0.1", "endpoints/shop/web", "service/shop/web"));
}

TEST_F(SubscriberTest, AnUnknownAddressIsAnsweredAndLaterCorrected) {
  Want({"address/192.0.2.1"});
  EXPECT_THAT(Next(), ElementsAre("address/192.0.2.1"));
  auto address = meshconfig::DecodeAddress(last_->resources[0].body);
  ASSERT_TRUE(address.ok());
  EXPECT_EQ(address->service, std::nullopt);
  EXPECT_EQ(address->endpoint, std::nullopt);
  Ack();
  EXPECT_THAT(Next(), IsEmpty());
  EXPECT_TRUE(subscriber_.Concerns({"address/192.0.2.1"}));
  Set("address/192.0.2.1", "a2", {"service/shop/web"});
  EXPECT_THAT(Next(), ElementsAre("endpoints/shop/web", "service/shop/web", "address/192.0.2.1"));
}

TEST_F(SubscriberTest, ARejectedVersionIsKeptInMindAndNotSentAgain) {
  Want({"address/10.0.0.1"});
  Next();
  EXPECT_TRUE(Ack({{"service/shop/web", "whatever", "port 80: no rules"}}));
  EXPECT_THAT(Next(), IsEmpty());
  EXPECT_EQ(subscriber_.rejected().at("service/shop/web").reason, "port 80: no rules");
  EXPECT_FALSE(subscriber_.held().contains("service/shop/web"));
  Set("service/shop/web", "s2", {"endpoints/shop/web"});
  EXPECT_THAT(Next(), ElementsAre("service/shop/web"));
  Ack();
  EXPECT_THAT(subscriber_.rejected(), IsEmpty());
}

TEST_F(SubscriberTest, TheHeartbeatIsTheHashOfWhatWasDelivered) {
  Want({"mesh", "workload/shop/client"});
  Next();
  Ack({{"workload/shop/client", "", "no"}});
  EXPECT_EQ(subscriber_.Beat()->hash,
            meshconfig::StateHash(
                {{"mesh", Version("mesh")}, {"workload/shop/client", Version("workload/shop/client")}}));
}

TEST_F(SubscriberTest, ARejectedResourceThatCeasedToBeIsRemoved) {
  Want({"address/10.0.0.1"});
  Next();
  Ack({{"endpoints/shop/web", "", "no"}});
  compiled_.entries.erase("endpoints/shop/web");
  Set("service/shop/web", "s2");
  Next();
  EXPECT_THAT(last_->removed, ElementsAre("endpoints/shop/web"));
  Ack();
  EXPECT_THAT(subscriber_.rejected(), IsEmpty());
}

TEST_F(SubscriberTest, RulesAndRootsAreNeverTakenAway) {
  Want({"mesh", "workload/shop/client"}, {{"mesh", "old"}, {"workload/shop/client", "old"}});
  compiled_.entries.clear();
  EXPECT_THAT(Next(), IsEmpty());
  EXPECT_EQ(last_, std::nullopt);
  EXPECT_EQ(subscriber_.Beat()->hash,
            meshconfig::StateHash({{"mesh", "old"}, {"workload/shop/client", "old"}}));
}

TEST_F(SubscriberTest, AnAckOfNothingIsAnError) {
  EXPECT_FALSE(subscriber_.Ack({1, {}}));
  Want({"mesh"});
  Next();
  EXPECT_FALSE(subscriber_.Ack({last_->id + 1, {}}));
  EXPECT_TRUE(Ack());
  EXPECT_FALSE(Ack());
}

TEST_F(SubscriberTest, ForeignWorkloadsAndTooManyNamesAreRefused) {
  EXPECT_NE(subscriber_.Subscribe({{"workload/bank/vault"}, {}}, "shop"), std::nullopt);
  EXPECT_NE(subscriber_.Subscribe({{"workload/shopx/vault"}, {}}, "shop"), std::nullopt);
  EXPECT_NE(subscriber_.Subscribe({{std::string(kMaxNameBytes + 1, 'a')}, {}}, "shop"), std::nullopt);
  const std::string long_version(kMaxVersionBytes + 1, 'a');
  EXPECT_NE(subscriber_.Subscribe({{}, {{"mesh", long_version}}}, "shop"), std::nullopt);
  meshconfig::Subscribe many;
  for (size_t i = 0; i <= kMaxSubscriptions; ++i) many.names.push_back("address/" + std::to_string(i));
  EXPECT_NE(subscriber_.Subscribe(many, "shop"), std::nullopt);
}

TEST_F(SubscriberTest, AnUpdateThatIsTooLargeComesInParts) {
  Set("endpoints/shop/web", std::string(kUpdateBytes, 'x'));
  Want({"address/10.0.0.1"}, {{"address/10.9.9.9", "gone"}});
  EXPECT_THAT(Next(), ElementsAre("endpoints/shop/web"));
  EXPECT_THAT(last_->removed, IsEmpty());
  Ack();
  EXPECT_THAT(Next(), ElementsAre("service/shop/web", "address/10.0.0.1"));
  EXPECT_THAT(last_->removed, ElementsAre("address/10.9.9.9"));
}

TEST(ChangedNames, SeesBothDirections) {
  compile::Compiled before, after;
  before.entries["a"].resource.version = "1";
  before.entries["b"].resource.version = "1";
  before.entries["c"].resource.version = "1";
  after.entries["b"].resource.version = "2";
  after.entries["c"].resource.version = "1";
  after.entries["d"].resource.version = "1";
  EXPECT_THAT(ChangedNames(before, after), UnorderedElementsAre("a", "b", "d"));
}

}  // namespace
}  // namespace tulle::control::distribute
