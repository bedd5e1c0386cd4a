#include "sidecar/detect/sniff.h"

#include <gtest/gtest.h>

namespace tulle::sidecar::detect {
namespace {

TEST(SniffPlain, ARequestLineIsHttp) {
  for (const char* bytes : {"GET /", "GET / HTTP/1.1\r\n", "OPTIONS *", "POST http://a/", "CONNECT a:80",
                            "\r\nGET /x", "PRI /", "PROPFIND /"})
    EXPECT_EQ(SniffPlain(bytes), Spoken::kHttp1) << bytes;
}

// Some apps take these for requests, so they must meet the strict parser instead of passing by it.
TEST(SniffPlain, WhatALenientAppTakesForARequestIsHttp) {
  for (const char* bytes : {"GET\t/", "GET  /", "\r\n\r\n\r\nGET /", "\nGET /", "GET \t http://a/",
                            "get / HTTP/1.1", "G3T / http/1", "M-SEARCH * HTTP/1.1\r\n", "GET ?a=b HTTP/1.1",
                            "GET a:80\tHTTP/1.0", "ABCDEFGHIJKLMNOPQRSTUVWXYZ /"})
    EXPECT_EQ(SniffPlain(bytes), Spoken::kHttp1) << bytes;
  for (const char* bytes : {"\n", "\r\r", "\r\n\r\n", "\r\n\r\nGET", "GET ", "GET  ", "get /", "EHLO a",
                            "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "G3T / HTTP"})
    EXPECT_EQ(SniffPlain(bytes), Spoken::kNeedMore) << bytes;
  for (const char* bytes : {"ruok", "hello", "M-SEARCH", "*1"})
    EXPECT_EQ(SniffPlain(bytes), Spoken::kWord) << bytes;
  EXPECT_EQ(SniffPlain(std::string(10000, 'G')), Spoken::kHttp1);
}

TEST(SniffPlain, AnythingElseIsOpaque) {
  EXPECT_EQ(SniffPlain("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Spoken::kHttp2);
  for (const char* bytes : {"\x16\x03\x01", "get /\r\n", "G3T / HTTP\n", "EHLO a\r\n", "SSH-2.0-x\r\n",
                            "*1\r\n", "USER x\r\n", "AMQP:", "get key\n"})
    EXPECT_EQ(SniffPlain(bytes), Spoken::kOpaque) << bytes;
  EXPECT_EQ(SniffPlain(std::string_view("\0\0", 2)), Spoken::kOpaque);
}

TEST(SniffPlain, NeverChangesItsMind) {
  for (const std::string text : {"GET /index HTTP/1.1", "\r\nGET / HTTP/1.1", "PRI * HTTP/2.0\r\n", "PRI *x",
                                 "CONNECT a:1", "QUIT\r\n", "ABCDEFGHIJKLMNOPQRSTUVWXYZ /"}) {
    const Spoken verdict = SniffPlain(text);
    EXPECT_NE(verdict, Spoken::kNeedMore) << text;
    for (size_t bytes = 0; bytes < text.size(); ++bytes) {
      const Spoken early = SniffPlain(std::string_view(text).substr(0, bytes));
      EXPECT_TRUE(early == Spoken::kNeedMore || early == Spoken::kWord || early == verdict)
          << text << " after " << bytes;
    }
  }
}

}  // namespace
}  // namespace tulle::sidecar::detect
