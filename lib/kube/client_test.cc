#include "lib/kube/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "lib/base/base64.h"
#include "lib/kube/fake/api_server.h"

namespace tulle::kube {
namespace {

using nlohmann::json;
using testing::HasSubstr;

const Collection kMaps{"v1", "configmaps", "shop"};

TEST(Client, CreatesReadsPatchesReplacesAndDeletes) {
  fake::ApiServer server;
  Client client({.server = server.url()});
  ASSERT_TRUE(client.Create(kMaps, {{"metadata", {{"name", "a"}}}, {"data", {{"x", "1"}}}}).ok());
  EXPECT_TRUE(client.Create(kMaps, {{"metadata", {{"name", "a"}}}}).failure().conflict());
  EXPECT_EQ((*client.Get(kMaps, "a"))["data"]["x"], "1");
  ASSERT_TRUE(client.PatchObject(kMaps, "a", Patch::kMerge, {{"data", {{"x", "2"}}}}).ok());
  json object = *client.Get(kMaps, "a");
  EXPECT_EQ(object["data"]["x"], "2");
  object["data"]["x"] = "3";
  ASSERT_TRUE(client.Update(kMaps, "a", object).ok());
  EXPECT_TRUE(client.Update(kMaps, "a", object).failure().conflict()) << "its version is an old one now";
  ASSERT_TRUE(client.Delete(kMaps, "a").ok());
  EXPECT_TRUE(client.Get(kMaps, "a").failure().not_found());
}

TEST(Client, ErrorsNameVerbObjectAndMessage) {
  fake::ApiServer server;
  Client client({.server = server.url()});
  server.FailNext(1, 403);
  const ApiError error = client.Get(kMaps, "a").failure();
  EXPECT_EQ(error.status, 403);
  EXPECT_EQ(error.what, "GET configmaps/shop/a: 403 told to fail");
}

TEST(Client, AServerThatIsNotThereIsAnErrorToo) {
  Client client({.server = "http://127.0.0.1:1"});
  const ApiError error = client.Get(kMaps, "a").failure();
  EXPECT_EQ(error.status, 0);
  EXPECT_THAT(error.what, HasSubstr("GET configmaps/shop/a"));
}

TEST(Client, GivesUpAfterItsTimeout) {
  fake::ApiServer server;
  server.OnPost("/api/v1/namespaces/shop/configmaps", [](const json&) {
    std::this_thread::sleep_for(std::chrono::milliseconds(700));
    return json::object();
  });
  Client client({.server = server.url(), .timeout = std::chrono::milliseconds(100)});
  EXPECT_THAT(client.Create(kMaps, json::object()).failure().what, HasSubstr("timed out"));
}

TEST(Base64, SurvivesTheRoundTrip) {
  for (const std::string& text :
       {std::string(), std::string("a"), std::string("ab"), std::string("abc"), std::string("\0\xff\n", 3)}) {
    EXPECT_EQ(base::DecodeBase64(base::EncodeBase64(text)), text);
  }
  EXPECT_EQ(base::EncodeBase64("Man"), "TWFu");
  EXPECT_EQ(base::EncodeBase64("Ma"), "TWE=");
  for (const char* text : {"a", "a===", "a!==", "TW=u"})
    EXPECT_EQ(base::DecodeBase64(text), std::nullopt) << text;
}

}  // namespace
}  // namespace tulle::kube
