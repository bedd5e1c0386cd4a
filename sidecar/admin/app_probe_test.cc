#include "sidecar/admin/app_probe.h"

#include <gtest/gtest.h>

namespace tulle::sidecar::admin {
namespace {

AppProbe Probe(const std::string& json) {
  const auto probes = ParseAppProbes(R"({"app/liveness":)" + json + "}");
  EXPECT_TRUE(probes.ok()) << probes.failure().what;
  return probes->at("app/liveness");
}

TEST(AppProbes, AreReadAsTheWebhookWritesThem) {
  const AppProbe http = Probe(R"({"httpGet":{"port":8080,"path":"healthz","scheme":"HTTPS","httpHeaders":[
      {"name":"host","value":"web.shop"},{"name":"X-A","value":"1"}]},"timeoutSeconds":7})");
  EXPECT_EQ(http.kind, AppProbe::Kind::kHttp);
  EXPECT_EQ(http.port, 8080);
  EXPECT_EQ(http.path, "/healthz");
  EXPECT_EQ(http.scheme, "HTTPS");
  EXPECT_EQ(http.host, "web.shop");
  EXPECT_EQ(http.headers, (std::vector<std::pair<std::string, std::string>>{{"X-A", "1"}}));
  EXPECT_EQ(http.timeout_seconds, 7);

  const AppProbe grpc = Probe(R"({"grpc":{"port":9000,"service":"db"}})");
  EXPECT_EQ(grpc.kind, AppProbe::Kind::kGrpc);
  EXPECT_EQ(grpc.service, "db");
  EXPECT_EQ(grpc.timeout_seconds, 1);
  EXPECT_EQ(Probe(R"({"tcpSocket":{"port":1},"timeoutSeconds":0})").timeout_seconds, 1);
  EXPECT_TRUE(ParseAppProbes("")->empty());
}

TEST(AppProbes, NonsenseIsRefusedAndNamed) {
  for (const char* text :
       {"x", "[]", "3", R"({"a/b":{}})", R"({"a/b":3})", R"({"a/b":{"httpGet":{"port":"web"}}})",
        R"({"a/b":{"tcpSocket":{"port":0}}})", R"({"a/b":{"httpGet":{"port":1,"httpHeaders":3}}})",
        R"({"a/b":{"grpc":7}})",
        R"({"a/b":{"httpGet":{"port":1,"httpHeaders":[{"name":"a b","value":""}]}}})",
        R"({"a/b":{"httpGet":{"port":1,"httpHeaders":[{"name":"a","value":"1\r\nb: 2"}]}}})",
        R"({"a/b":{"httpGet":{"port":1,"httpHeaders":[{"name":"host","value":"\n"}]}}})"}) {
    const auto probes = ParseAppProbes(text);
    ASSERT_FALSE(probes.ok()) << text;
    EXPECT_TRUE(probes.failure().what.starts_with("TULLE_PROBES")) << probes.failure().what;
  }
}

TEST(AppProbes, APathOfAnythingFitsIntoARequest) {
  EXPECT_EQ(Probe(R"({"httpGet":{"port":1,"path":"a b?x=\r\n\u00fc"}})").path, "/a%20b?x=%0D%0A%C3%BC");
  EXPECT_EQ(Probe(R"({"httpGet":{"port":1}})").path, "/");
}

}  // namespace
}  // namespace tulle::sidecar::admin
