#include "sidecar/detect/sniff.h"

#include <gtest/gtest.h>

namespace tulle::sidecar::detect {
namespace {

std::string Number(size_t bytes, size_t value) {
  std::string text;
  while (bytes-- > 0) text += static_cast<char>(value >> (8 * bytes));
  return text;
}

std::string Vector(size_t length_bytes, const std::string& content) {
  return Number(length_bytes, content.size()) + content;
}

std::string Alpn(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += Vector(1, name);
  return Number(2, 16) + Vector(2, Vector(2, list));
}

const std::string kOtherExtension = Number(2, 10) + Vector(2, "abcd");

// A TLS record with a ClientHello that has these extensions.
std::string ClientHello(const std::string& extensions) {
  const std::string body = Number(2, 0x303) + std::string(32, 'r') + Vector(1, "session") +
                           Vector(2, "\x13\x01") + Vector(1, std::string(1, '\0')) + Vector(2, extensions);
  return "\x16\x03\x01" + Vector(2, "\x01" + Vector(3, body));
}

Hello::Kind KindOf(const std::string& bytes) { return ReadHello(bytes).kind; }

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

TEST(ReadHello, FindsTheOfferedProtocolsWhereverTheyStand) {
  const std::vector<std::string> names = {"tulle/http1", "tulle/tcp", "h2"};
  for (const std::string& extensions :
       {Alpn(names), kOtherExtension + Alpn(names), Alpn(names) + kOtherExtension}) {
    const Hello hello = ReadHello(ClientHello(extensions));
    EXPECT_EQ(hello.kind, Hello::Kind::kTls);
    EXPECT_EQ(hello.alpn, names);
  }
  EXPECT_TRUE(ReadHello(ClientHello(kOtherExtension)).alpn.empty());
  EXPECT_EQ(ReadHello(ClientHello("") + "more records").kind, Hello::Kind::kTls);
}

TEST(ReadHello, WaitsForTheWholeRecord) {
  const std::string hello = ClientHello(kOtherExtension + Alpn({"h2"}));
  for (size_t bytes = 0; bytes < hello.size(); ++bytes)
    EXPECT_EQ(KindOf(hello.substr(0, bytes)), Hello::Kind::kNeedMore) << bytes;
  EXPECT_EQ(KindOf(hello), Hello::Kind::kTls);
}

TEST(ReadHello, SaysSoonThatItIsNotTls) {
  for (const std::string& bytes :
       {std::string("G"), std::string("\x15"), std::string("\x16\x02"),
        std::string("\x16\x03\x01\x00\x03", 5), std::string("\x16\x03\x01\x40\x01", 5),
        std::string("\x16\x03\x01\x01\x00\x02", 6)})
    EXPECT_EQ(KindOf(bytes), Hello::Kind::kNotTls) << bytes.size();
}

TEST(ReadHello, LengthsThatLieAreNotBelieved) {
  const auto broken = [](const std::string& extensions) {
    return KindOf(ClientHello(extensions)) == Hello::Kind::kNotTls;
  };
  EXPECT_TRUE(broken("x"));
  EXPECT_TRUE(broken(Number(2, 10) + Number(2, 9) + "short"));
  EXPECT_TRUE(broken(Number(2, 16) + Vector(2, Number(2, 9) + "\x02h2")));
  EXPECT_TRUE(broken(Number(2, 16) + Vector(2, Vector(2, "\x09h2"))));
  std::string hello = ClientHello(Alpn({"h2"}));
  hello[8] = '\xff';  // the length of the message goes beyond its record
  EXPECT_EQ(KindOf(hello), Hello::Kind::kNotTls);
}

}  // namespace
}  // namespace tulle::sidecar::detect
