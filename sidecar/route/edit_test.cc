#include "sidecar/route/edit.h"

#include <gtest/gtest.h>

namespace tulle::sidecar::route {
namespace {

std::string Replaced(const std::string& path, const std::string& prefix, const std::string& by) {
  meshconfig::PathEdit edit;
  edit.replace_prefix = by;
  return EditPath(edit, path, prefix);
}

TEST(EditPath, APrefixIsReplacedByWholeSegments) {
  for (const char* prefix : {"/foo", "/foo/"}) {
    for (const char* by : {"/xyz", "/xyz/"}) EXPECT_EQ(Replaced("/foo/bar", prefix, by), "/xyz/bar");
    EXPECT_EQ(Replaced("/foo", prefix, "/xyz"), "/xyz");
    EXPECT_EQ(Replaced("/foo/", prefix, "/xyz"), "/xyz/");
    EXPECT_EQ(Replaced("/foo", prefix, "/"), "/");
    EXPECT_EQ(Replaced("/foo/", prefix, "/"), "/");
    EXPECT_EQ(Replaced("/foo/bar", prefix, "/"), "/bar");
  }
  EXPECT_EQ(Replaced("/a", "/", "/b"), "/b/a");
}

TEST(EditTarget, TheQueryStays) {
  meshconfig::PathEdit edit;
  edit.replace = "/new";
  http::RequestHead head;
  head.target = "/old?a=/old";
  EXPECT_EQ(EditTarget(edit, head, "/"), "/new?a=/old");
  head.target = "http://web/old?x";
  EXPECT_EQ(EditTarget(edit, head, "/"), "/new?x");
  head.target = "*";
  EXPECT_EQ(EditTarget(edit, head, "/"), "*");
}

std::string LocationFor(const meshconfig::Redirect& redirect, const std::string& host, uint16_t port) {
  http::RequestHead head;
  head.target = "/a?b";
  head.headers.push_back({"Host", host, http::Known::kHost});
  return Location(redirect, head, "/", port);
}

TEST(Location, WhatIsAbsentStays) {
  meshconfig::Redirect redirect;
  EXPECT_EQ(LocationFor(redirect, "web", 80), "http://web/a?b");
  EXPECT_EQ(LocationFor(redirect, "web:8080", 8080), "http://web:8080/a?b");
  EXPECT_EQ(LocationFor(redirect, "[::1]:8080", 8080), "http://[::1]:8080/a?b");
  redirect.host = "other.example";
  EXPECT_EQ(LocationFor(redirect, "web:8080", 8080), "http://other.example:8080/a?b");
}

TEST(Location, ASchemeBringsItsPort) {
  meshconfig::Redirect redirect;
  redirect.scheme = meshconfig::Scheme::kHttps;
  EXPECT_EQ(LocationFor(redirect, "web:8080", 8080), "https://web/a?b");
  redirect.port = 8443;
  EXPECT_EQ(LocationFor(redirect, "web", 80), "https://web:8443/a?b");
  redirect.port = 443;
  EXPECT_EQ(LocationFor(redirect, "web", 80), "https://web/a?b");
  redirect.scheme = meshconfig::Scheme::kHttp;
  EXPECT_EQ(LocationFor(redirect, "web", 80), "http://web:443/a?b");
  redirect.port = 80;
  EXPECT_EQ(LocationFor(redirect, "web", 80), "http://web/a?b");
}

}  // namespace
}  // namespace tulle::sidecar::route
