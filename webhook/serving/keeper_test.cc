#include "webhook/serving/keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "lib/base/base64.h"
#include "webhook/serving/fake_api.h"
#include "webhook/serving/trust_bundle.h"

namespace tulle::webhook::serving {
namespace {

using Json = nlohmann::json;
using std::chrono::hours;
using std::chrono::seconds;
using ::testing::HasSubstr;

const std::string kSecret = "/api/v1/namespaces/tulle-system/secrets/tulle-webhook-cert";
const std::string kMutating =
    "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/tulle-webhook";
const std::string kValidating =
    "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/tulle-webhook";
const std::string kTrustBundle = "/api/v1/namespaces/tulle-system/configmaps/tulle-trust-bundle";

class Keeper : public ::testing::Test {
 protected:
  Keeper() {
    const Json service = {{"clientConfig", {{"service", {{"name", "tulle-webhook"}}}}}};
    Json first = service;
    first["name"] = "a";
    Json second = service;
    second["name"] = "b";
    api_.Set(kMutating, {{"webhooks", {first, second}}});
    api_.Set(kValidating, {{"webhooks", {first}}});
  }

  ServingCertificate InSecret() {
    const Json data = api_.At(kSecret)["data"];
    const auto text = [&](const char* key) { return *base::DecodeBase64(data[key].get<std::string>()); };
    return {text("ca.crt"), text("tls.crt"), text("tls.key")};
  }
  std::string BundleIn(const std::string& path, size_t index) {
    return *base::DecodeBase64(
        api_.At(path)["webhooks"][index]["clientConfig"]["caBundle"].get<std::string>());
  }
  static size_t Roots(const std::string& bundle) { return identity::ParseBundle(bundle).value().size(); }

  FakeApi api_;
  kube::Client client_{{.server = api_.url()}};
  CertificateSlot slot_;
  CertificateKeeper keeper_{client_, "tulle-system", hours(90), slot_};
  const Time start_ = std::chrono::system_clock::now();
};

TEST_F(Keeper, MakesTheCertificateOnceAndTellsTheApiServer) {
  EXPECT_EQ(keeper_.Round(start_).value(), CertificateKeeper::kRound);
  EXPECT_TRUE(slot_.has_certificate());
  const ServingCertificate made = InSecret();
  EXPECT_EQ(BundleIn(kMutating, 0), made.bundle);
  EXPECT_EQ(BundleIn(kMutating, 1), made.bundle);
  EXPECT_EQ(BundleIn(kValidating, 0), made.bundle);
  const int writes = api_.writes();
  EXPECT_TRUE(keeper_.Round(start_ + seconds(60)).ok());
  EXPECT_EQ(api_.writes(), writes);
}

TEST_F(Keeper, TakesTheCertificateOfAFasterReplica) {
  CertificateSlot other_slot;
  CertificateKeeper other(client_, "tulle-system", hours(90), other_slot);
  ASSERT_TRUE(other.Round(start_).ok());
  const Json winner = api_.At(kSecret);
  api_.Remove(kSecret);
  api_.LoseNextCreationTo(winner);
  ASSERT_TRUE(keeper_.Round(start_).ok());
  EXPECT_EQ(api_.At(kSecret)["data"], winner["data"]);
  EXPECT_EQ(slot_.not_after(), other_slot.not_after());
}

TEST_F(Keeper, WritesTheBundleAgainWhereSomebodyTookItOut) {
  ASSERT_TRUE(keeper_.Round(start_).ok());
  Json configuration = api_.At(kMutating);
  configuration["webhooks"][1]["clientConfig"].erase("caBundle");
  api_.Set(kMutating, configuration);
  ASSERT_TRUE(keeper_.Round(start_ + seconds(60)).ok());
  EXPECT_EQ(BundleIn(kMutating, 1), InSecret().bundle);
}

TEST_F(Keeper, RenewsInTimeAndServesOnlyWhatTheApiServerKnows) {
  ASSERT_TRUE(keeper_.Round(start_).ok());
  const auto first = slot_.not_after();
  const ServingCertificate before = InSecret();
  ASSERT_TRUE(keeper_.Round(start_ + hours(59)).ok());
  EXPECT_EQ(InSecret(), before);

  const Time late = start_ + hours(61);
  EXPECT_EQ(keeper_.Round(late).value(), CertificateKeeper::kPropagation);
  const ServingCertificate renewed = InSecret();
  EXPECT_NE(renewed, before);
  EXPECT_THAT(renewed.bundle, HasSubstr(before.bundle));  // replicas may still serve under the old root
  EXPECT_EQ(BundleIn(kMutating, 0), renewed.bundle);
  EXPECT_EQ(slot_.not_after(), first);
  EXPECT_TRUE(keeper_.Round(late + CertificateKeeper::kPropagation).ok());
  EXPECT_GT(slot_.not_after(), first);
}

TEST_F(Keeper, KeepsTheOldRootWhenTheSecretWasDeleted) {
  ASSERT_TRUE(keeper_.Round(start_).ok());
  const ServingCertificate before = InSecret();
  api_.Remove(kSecret);
  ASSERT_TRUE(keeper_.Round(start_ + seconds(60)).ok());
  EXPECT_THAT(InSecret().bundle, HasSubstr(before.bundle));
}

TEST_F(Keeper, RepairsASecretThatMakesNoSense) {
  for (const char* key : {"ca.crt", "tls.crt", "tls.key"}) {
    ASSERT_TRUE(keeper_.Round(start_).ok());
    Json secret = api_.At(kSecret);
    secret["data"][key] = "Z2FyYmFnZQ==";
    api_.Set(kSecret, secret);
    ASSERT_TRUE(keeper_.Round(start_).ok());
    EXPECT_EQ(WhyRenew(InSecret(), {"tulle-webhook.tulle-system.svc"}, start_), std::nullopt) << key;
  }
  api_.Set(kSecret, {{"data", 7}});
  EXPECT_TRUE(keeper_.Round(start_).ok());
}

TEST_F(Keeper, OldRootsDoNotPileUp) {
  Time now = start_;
  for (int i = 0; i < 8; ++i) {
    ASSERT_TRUE(keeper_.Round(now).ok());
    api_.Remove(kSecret);
    now += seconds(60);
  }
  ASSERT_TRUE(keeper_.Round(now).ok());
  EXPECT_EQ(Roots(InSecret().bundle), 3u);
}

TEST_F(Keeper, SaysWhatFailed) {
  api_.Remove(kValidating);
  const auto round = keeper_.Round(start_);
  ASSERT_FALSE(round.ok());
  EXPECT_THAT(round.failure().what, HasSubstr("validatingwebhookconfigurations/tulle-webhook"));
  EXPECT_FALSE(slot_.has_certificate());
  api_.set_down(true);
  EXPECT_FALSE(keeper_.Round(start_).ok());
}

TEST_F(Keeper, IsForTheNamesOfItsService) {
  ASSERT_TRUE(keeper_.Round(start_).ok());
  EXPECT_EQ(WhyRenew(InSecret(), {"tulle-webhook.elsewhere.svc"}, start_),
            "it is not for tulle-webhook.elsewhere.svc");
}

TEST_F(Keeper, TrustBundleIsReadAgainAfterAWhile) {
  TrustBundle bundle(client_, "tulle-system");
  TrustBundle::Clock::time_point now{};
  EXPECT_EQ(bundle.Get(now).failure().what, "trust bundle not yet published by tulle-operator");
  ASSERT_TRUE(keeper_.Round(start_).ok());
  const std::string roots = InSecret().bundle;
  api_.Set(kTrustBundle, {{"data", {{"ca.crt", roots}}}});
  EXPECT_FALSE(bundle.Get(now).ok());
  now += TrustBundle::kFresh;
  EXPECT_EQ(bundle.Get(now).value(), roots);

  api_.set_down(true);  // the last one goes on
  now += TrustBundle::kFresh;
  EXPECT_EQ(bundle.Get(now).value(), roots);
  api_.set_down(false);
  api_.Set(kTrustBundle, {{"data", {{"ca.crt", "garbage"}}}});
  now += TrustBundle::kFresh;
  EXPECT_THAT(bundle.Get(now).failure().what,
              HasSubstr("ConfigMap tulle-system/tulle-trust-bundle: ca.crt: "));
  api_.Remove(kTrustBundle);
  now += TrustBundle::kFresh;
  EXPECT_FALSE(bundle.Get(now).ok());
}

}  // namespace
}  // namespace tulle::webhook::serving
