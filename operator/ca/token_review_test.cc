#include "operator/ca/token_review.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "lib/kube/fake/api_server.h"
#include "operator/ca/secret.h"

namespace tulle::control::ca {
namespace {

using nlohmann::json;

json Review(const std::string& user, json audiences, bool authenticated = true) {
  return {
      {"status",
       {{"authenticated", authenticated},
        {"audiences", std::move(audiences)},
        {"user", {{"username", user}, {"extra", {{"authentication.kubernetes.io/pod-name", {"web-1"}}}}}}}}};
}

TEST(TokenReview, TheAccountOfAGoodToken) {
  const auto caller = ReadTokenReview(Review("system:serviceaccount:shop:web", {"tulle"}));
  ASSERT_TRUE(caller.ok());
  EXPECT_EQ(caller->ns, "shop");
  EXPECT_EQ(caller->service_account, "web");
  EXPECT_EQ(caller->pod, "web-1");
}

TEST(TokenReview, EverythingElseIsRefused) {
  const auto status = [](const json& review) { return ReadTokenReview(review).failure().status; };
  EXPECT_EQ(status(Review("system:serviceaccount:shop:web", {"tulle"}, false)), 401);
  EXPECT_EQ(status(Review("system:serviceaccount:shop:web", {"https://kubernetes.default.svc"})), 401);
  EXPECT_EQ(status(Review("system:serviceaccount:shop:web", json::array())), 401);
  EXPECT_EQ(status(Review("system:serviceaccount:shop:web", "tulle")), 401);
  EXPECT_EQ(status(Review("admin", {"tulle"})), 403);
  EXPECT_EQ(status(Review("system:serviceaccount:shop", {"tulle"})), 403);
  EXPECT_EQ(status(json::object()), 401);
  EXPECT_EQ(status(json::array()), 401);
  EXPECT_EQ(status({{"status", 7}}), 401);
  EXPECT_EQ(status({{"status", {{"authenticated", "true"}}}}), 401);
}

TEST(TokenReview, AsksForOurAudienceAndRemembersForAMoment) {
  kube::fake::ApiServer server;
  int asked = 0;
  server.OnPost("/apis/authentication.k8s.io/v1/tokenreviews", [&](const json& review) {
    ++asked;
    EXPECT_EQ(review["spec"]["audiences"], json::array({"tulle"}));
    return Review("system:serviceaccount:shop:web", {"tulle"}, review["spec"]["token"] == "good");
  });
  kube::Client client({.server = server.url()});
  TokenReview tokens(client);
  EXPECT_TRUE(tokens.Verify("good").ok());
  EXPECT_TRUE(tokens.Verify("good").ok());
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(tokens.Verify("foreign").failure().status, 401);
  EXPECT_EQ(tokens.Verify("foreign").failure().status, 401);
  EXPECT_EQ(asked, 3) << "refusals are not remembered";
  EXPECT_EQ(tokens.Verify("not \x01\xff utf-8").failure().status, 401);
  server.FailNext(1, 500);
  EXPECT_EQ(tokens.Verify("other").failure().status, 503);
}

TEST(RootFromSecret, IsMadeOnceAndNeverReplaced) {
  const identity::Time now = std::chrono::system_clock::now();
  kube::fake::ApiServer server;
  kube::Client client({.server = server.url()});
  const auto first = RootFromSecret(client, "tulle-system", now),
             second = RootFromSecret(client, "tulle-system", now);
  ASSERT_TRUE(first.ok()) << first.failure().what;
  ASSERT_TRUE(second.ok()) << second.failure().what;
  EXPECT_EQ(first->CertificatePem(), second->CertificatePem());
  EXPECT_TRUE(*PublishBundle(client, "tulle-system", first->CertificatePem()));
  EXPECT_FALSE(*PublishBundle(client, "tulle-system", first->CertificatePem()));
  EXPECT_TRUE(*PublishBundle(client, "tulle-system", "other"));

  const std::string path = "/api/v1/namespaces/tulle-system/secrets/tulle-ca";
  json broken = server.Get(path);
  broken["data"]["ca.key"] = "garbage";
  server.Put(path, broken);
  EXPECT_FALSE(RootFromSecret(client, "tulle-system", now).ok());
  EXPECT_EQ(server.Get(path)["data"]["ca.key"], "garbage");
}

}  // namespace
}  // namespace tulle::control::ca
