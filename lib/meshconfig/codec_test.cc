#include "lib/meshconfig/codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/meshconfig/names.h"

namespace tulle::meshconfig {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Service WebService() {
  RouteRule rule;
  rule.name = "split/shop/web";
  rule.matches = {
      {PathMatch{.exact = {}, .prefix = "/a", .regex = {}}, "GET", {{"x-user", "ann", std::nullopt}}}};
  rule.backends = {{"split/shop/web#0", "endpoints/shop/web?version=v2", 80, 10, std::nullopt},
                   {"split/shop/web#1", "endpoints/shop/old", 80, 0, "Service shop/old does not exist"}};
  rule.timeout = std::chrono::seconds(3);
  rule.retry = Retry{1, std::chrono::milliseconds(250), {10, 2}};
  return {"shop/web", {{80, Protocol::kHttp, {rule}}}, {}};
}

TEST(Codec, EveryStructSurvivesItsText) {
  const Mesh mesh{"cluster.local", "-----BEGIN CERTIFICATE-----\n"};
  EXPECT_EQ(*DecodeMesh(Encode(mesh)), mesh);
  EXPECT_EQ(*DecodeService(Encode(WebService())), WebService());
  const Endpoints endpoints{"shop/web?version=v2",
                            {{"fd00::1", "shop/web-1", "spiffe://x/ns/shop/sa/web", {{80, 8080}}}}};
  EXPECT_EQ(*DecodeEndpoints(Encode(endpoints)), endpoints);
  const Address address{"10.0.0.1", "shop/web", std::nullopt};
  EXPECT_EQ(*DecodeAddress(Encode(address)), address);
  const Workload workload{
      "shop/web",
      MtlsMode::kStrict,
      "shop/strict",
      {{"shop/allow#0", AccessAction::kDeny, {{{}, {"shop"}, {}}}, {{{80}, {"GET"}, {}}}}},
      {{"shop/limit#0",
        Mode::kShadow,
        10,
        std::chrono::seconds(2),
        20,
        RateKey::kHeader,
        "x-key",
        {{{80}, {"GET"}, {}}}}},
      Concurrency{"shop/limit", Mode::kShadow, 5, 3, 30},
      {{8080, Protocol::kTcp}}};
  EXPECT_EQ(*DecodeWorkload(Encode(workload)), workload);
}

TEST(Codec, ProblemsNameTheirPlace) {
  const auto service =
      DecodeService(R"({"name":"shop/web","ports":[{"port":0},{"port":80,"protocol":"http"}]})");
  ASSERT_FALSE(service.ok());
  EXPECT_EQ(json::JoinProblems(service.failure()),
            "ports[0].port: must be at least 1, got 0; ports[1].protocol: must be one of Detect, HTTP, "
            "HTTP2, TCP, got "
            "\"http\"");
  EXPECT_FALSE(DecodeMesh("").ok());
  EXPECT_FALSE(DecodeMesh("[]").ok());
  EXPECT_FALSE(DecodeAddress("{\"address\":\"10.0.0.1\",\"address\":\"10.0.0.2\"}").ok());
}

TEST(Codec, TheVersionIsTheHashOfTheBody) {
  const Resource one = MakeResource("mesh", "{}");
  EXPECT_EQ(one.version, "44136fa355b3678a");  // sha256 of "{}"
  EXPECT_NE(MakeResource("mesh", "{ }").version, one.version);
}

TEST(Document, BodiesComeBackByteForByte) {
  std::vector<Resource> resources = {MakeResource("service/shop/web", Encode(WebService())),
                                     MakeResource("odd \"name\"\n", R"({ "b":1.0,"a":"}]\"","a":[ ]})")};
  const auto again = DecodeDocument(EncodeDocument(resources));
  ASSERT_TRUE(again.ok()) << json::JoinProblems(again.failure());
  EXPECT_EQ(*again, resources);
}

TEST(Document, ABadResourceHarmsNothingButItself) {
  json::Problems left_out;
  auto resources = DecodeDocument(
      R"({"format":"tulle.dev/meshconfig/v1","resources":[7,{"name":"a","version":"1"},{"name":"","version":"1","body":{}},
          {"name":"b","version":"1","body":"{}"},{"name":"mesh","version":"1","body":{},"extra":1},
          {"name":"good","version":"44136fa355b3678a","body":{}}]})",
      &left_out);
  ASSERT_TRUE(resources.ok());
  EXPECT_THAT(*resources, ElementsAre(MakeResource("good", "{}")));
  EXPECT_EQ(left_out.size(), 5u);
  EXPECT_EQ(left_out[1].Text(), "resources[1].body: is required");
  EXPECT_EQ(left_out[3].Text(), "resources[3].body: expected an object");
}

TEST(Document, ADocumentEditedByHandCountsAsWhatItSays) {
  auto resources = DecodeDocument(
      R"({"format":"tulle.dev/meshconfig/v1","resources":[{"name":"mesh","version":"stale","body":{"a":1}}]})");
  ASSERT_TRUE(resources.ok());
  EXPECT_EQ(resources->front(), MakeResource("mesh", "{\"a\":1}"));
}

TEST(Document, AnotherFormatIsRefused) {
  for (const char* text :
       {"", "{}", "[]", R"({"format":"v9","resources":[]})", R"({"format":"tulle.dev/meshconfig/v1"})",
        R"({"format":"tulle.dev/meshconfig/v1","resources":{}})"}) {
    EXPECT_FALSE(DecodeDocument(text).ok()) << text;
  }
  EXPECT_THAT(*DecodeDocument(EncodeDocument({})), IsEmpty());
}

TEST(Names, KindsAreToldByTheFirstSegment) {
  EXPECT_EQ(KindOf("mesh"), Kind::kMesh);
  EXPECT_EQ(KindOf(WorkloadName("shop/web")), Kind::kWorkload);
  EXPECT_EQ(KindOf(AddressName("10.0.0.1")), Kind::kAddress);
  EXPECT_EQ(KindOf(ServiceName("shop/web")), Kind::kService);
  EXPECT_EQ(KindOf(EndpointsName("shop/web?version=v1")), Kind::kEndpoints);
  for (const char* name : {"", "meshes", "service", "service/", "services/a/b", "/"}) {
    EXPECT_EQ(KindOf(name), Kind::kUnknown) << name;
  }
  EXPECT_EQ(WithoutKind("service/shop/web"), "shop/web");
  EXPECT_EQ(WithoutKind("mesh"), "mesh");
}

}  // namespace
}  // namespace tulle::meshconfig
