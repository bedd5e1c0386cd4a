#include "webhook/admission/answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "lib/base/base64.h"
#include "webhook/admission/review.h"

namespace tulle::webhook::admission {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

const inject::Settings kSettings = {"tulle/sidecar:1", "tulle/init:1", "cluster.local", "operator:15010",
                                    "PEM"};

std::string ReviewOf(const std::string& operation, const Json& object, const Json& old_object = nullptr) {
  return Json{{"apiVersion", "admission.k8s.io/v1"},
              {"kind", "AdmissionReview"},
              {"request",
               {{"uid", "u-1"},
                {"operation", operation},
                {"namespace", "shop"},
                {"dryRun", true},
                {"object", object},
                {"oldObject", old_object}}}}
      .dump();
}

Json Pod() {
  return Json::parse(
      R"({"kind": "Pod", "metadata": {"generateName": "web-"}, "spec": {"containers": [{"name": "app"}]}})");
}

Json Split(int weight) {
  return {{"apiVersion", "tulle.dev/v1alpha1"},
          {"kind", "Split"},
          {"metadata", {{"name", "web"}}},
          {"spec",
           {{"service", "web"},
            {"backends", Json::array({{{"service", "a"}}, {{"service", "b"}, {"weight", weight}}})}}}};
}

Json ResponseOf(const Answer& answer) {
  EXPECT_EQ(answer.status, 200) << answer.body;
  const Json review = Json::parse(answer.body);
  EXPECT_EQ(review["apiVersion"], "admission.k8s.io/v1");
  EXPECT_EQ(review["kind"], "AdmissionReview");
  EXPECT_EQ(review["response"]["uid"], "u-1");
  return review["response"];
}

TEST(Mutate, AnswersWithAPatch) {
  const Answer answer = Mutate(ReviewOf("CREATE", Pod()), kSettings);
  EXPECT_EQ(answer.verdict, Verdict::kInjected);
  const Json response = ResponseOf(answer);
  EXPECT_EQ(response["allowed"], true);
  EXPECT_EQ(response["patchType"], "JSONPatch");
  const Json out = Pod().patch(Json::parse(base::DecodeBase64(response["patch"].get<std::string>()).value()));
  EXPECT_EQ(out["spec"]["initContainers"][1]["name"], "tulle-sidecar");
}

TEST(Mutate, DenialsNameThePodAndTheReason) {
  Json pod = Pod();
  pod["metadata"]["annotations"] = {{"tulle.dev/exclude-inbound-ports", "x"}};
  const Answer answer = Mutate(ReviewOf("CREATE", pod), kSettings);
  EXPECT_EQ(answer.verdict, Verdict::kDenied);
  const Json response = ResponseOf(answer);
  EXPECT_EQ(response["allowed"], false);
  EXPECT_EQ(
      response["status"]["message"],
      "pod shop/web-: annotation tulle.dev/exclude-inbound-ports: \"x\": \"x\" is not a port (1 to 65535)");
}

TEST(Mutate, WithoutATrustBundlePodsAreDeniedButNotThoseThatAreLeftAlone) {
  const base::Result<inject::Settings> none =
      base::Failure{"trust bundle not yet published by tulle-operator"};
  const Json response = ResponseOf(Mutate(ReviewOf("CREATE", Pod()), none));
  EXPECT_EQ(response["allowed"], false);
  EXPECT_EQ(response["status"]["code"], 503);
  EXPECT_EQ(response["status"]["message"], "pod shop/web-: trust bundle not yet published by tulle-operator");
  Json pod = Pod();
  pod["spec"]["hostNetwork"] = true;
  EXPECT_EQ(ResponseOf(Mutate(ReviewOf("CREATE", pod), none))["allowed"], true);
}

TEST(Mutate, OtherOperationsAndKindsPass) {
  EXPECT_EQ(ResponseOf(Mutate(ReviewOf("UPDATE", Pod()), kSettings)).contains("patch"), false);
  EXPECT_EQ(ResponseOf(Mutate(ReviewOf("CREATE", Split(1)), kSettings)).contains("patch"), false);
}

TEST(Mutate, TakesAPodOfAMegabyte) {
  Json pod = Pod();
  pod["metadata"]["annotations"]["blob"] = std::string(1 << 20, 'x');
  EXPECT_EQ(Mutate(ReviewOf("CREATE", pod), kSettings).verdict, Verdict::kInjected);
}

TEST(Validate, SaysWhichFieldOfWhichObject) {
  const Json response = ResponseOf(Validate(ReviewOf("CREATE", Split(-1))));
  EXPECT_EQ(response["allowed"], false);
  EXPECT_EQ(response["status"]["message"],
            "Split shop/web: spec.backends[1].weight: must be at least 0, got -1");
  EXPECT_EQ(ResponseOf(Validate(ReviewOf("CREATE", Split(1))))["allowed"], true);
}

TEST(Validate, LetsGoOfWhatIsBeingDeleted) {
  EXPECT_EQ(ResponseOf(Validate(ReviewOf("DELETE", nullptr, Split(-1))))["allowed"], true);
  Json going = Split(-1);
  going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
  EXPECT_EQ(ResponseOf(Validate(ReviewOf("UPDATE", going, Split(-1))))["allowed"], true);
}

TEST(Validate, AChangeThatIsNotOneOfTheSpecPasses) {
  Json labelled = Split(-1);
  labelled["metadata"]["labels"]["a"] = "b";
  EXPECT_EQ(ResponseOf(Validate(ReviewOf("UPDATE", labelled, Split(-1))))["allowed"], true);
  EXPECT_EQ(ResponseOf(Validate(ReviewOf("UPDATE", labelled, Split(1))))["allowed"], false);
}

TEST(Validate, WhatIsNotOursOrNotKnownIsRefused) {
  Json object = Split(1);
  object["kind"] = "Splitt";
  EXPECT_THAT(ResponseOf(Validate(ReviewOf("CREATE", object)))["status"]["message"].get<std::string>(),
              HasSubstr("kind: must be one of"));
  object["metadata"] = 7;
  EXPECT_EQ(ResponseOf(Validate(ReviewOf("CREATE", object)))["allowed"], false);
}

TEST(Review, WhatIsMalformedIsABadRequest) {
  const std::string nested = std::string(100000, '[');
  for (
      const std::string& body :
      {std::string(), std::string("garbage"), std::string("\x16\x03\x01\xff\x00", 5), std::string("[]"),
       std::string("{}"), nested,
       std::string(
           R"({"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview","request":{"uid":"1"}})"),
       std::string(R"({"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"})"),
       std::string(
           R"({"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1","uid":"2"}})"),
       ReviewOf("CREATE", nullptr), ReviewOf("", Pod()), ReviewOf("UPDATE", 7)}) {
    for (const Answer& answer : {Mutate(body, kSettings), Validate(body)}) {
      EXPECT_EQ(answer.status, 400) << body.substr(0, 100);
      EXPECT_THAT(answer.body, HasSubstr("not an admission review: "));
    }
  }
}

}  // namespace
}  // namespace tulle::webhook::admission
