#include "lib/http/head.h"

#include <gtest/gtest.h>

#include <string>

namespace tulle::http {
namespace {

// What the parser says to a whole text: "ok", "more", or the reason of its refusal.
template <class Parse>
std::string Say(std::string_view text, Parse parse) {
  const ParseResult result = parse(text);
  if (result.status == ParseStatus::kDone) return result.bytes == text.size() ? "ok" : "ok, with a rest";
  return result.status == ParseStatus::kNeedMore ? "more" : result.why;
}

std::string Request(std::string_view text) {
  RequestHead head;
  return Say(text, [&](std::string_view data) { return ParseRequestHead(data, head); });
}

// A GET with Host and these header lines.
std::string With(const std::string& lines) {
  return Request("POST / HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n\r\n");
}

std::string Target(const std::string& target, const std::string& host = "a") {
  return Request("GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
}

std::string Response(const std::string& text) {
  ResponseHead head;
  return Say(text, [&](std::string_view data) { return ParseResponseHead(data, "GET", head); });
}

RequestHead Parsed(const std::string& text) {
  static std::string kept;  // what the views of the head point into
  kept = text;
  RequestHead head;
  EXPECT_EQ(ParseRequestHead(kept, head).status, ParseStatus::kDone) << text;
  return head;
}

TEST(RequestHead, IsReadAsItIsWritten) {
  const RequestHead head =
      Parsed("GET /a/b?c=d HTTP/1.1\r\nHoSt: web:80\r\nX-Empty:\r\nX-A: \t b c \t\r\n\r\n");
  EXPECT_EQ(head.method, "GET");
  EXPECT_EQ(head.target, "/a/b?c=d");
  EXPECT_EQ(head.path(), "/a/b");
  EXPECT_EQ(head.host(), "web:80");
  ASSERT_EQ(head.headers.size(), 3u);
  EXPECT_EQ(head.headers[0].name, "HoSt");
  EXPECT_EQ(head.headers[1].value, "");
  EXPECT_EQ(head.Find("x-a")->value, "b c");
  EXPECT_EQ(head.Find("x-b"), nullptr);
  EXPECT_EQ(head.framing, Framing::kNone);
  EXPECT_TRUE(head.keep_alive);
}

TEST(RequestHead, OneEmptyLineBeforeItIsForgiven) {
  EXPECT_EQ(Request("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), "ok");
  EXPECT_EQ(Request("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), "http/request-line");
  EXPECT_EQ(Request("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), "http/bare-line-feed");
}

TEST(RequestHead, IsDoneOnlyWithItsEmptyLine) {
  const std::string text = "GET /path HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n";
  EXPECT_EQ(Request(""), "more");
  for (size_t bytes = 1; bytes < text.size(); ++bytes) EXPECT_EQ(Request(text.substr(0, bytes)), "more");
  EXPECT_EQ(Request(text), "ok");
  EXPECT_EQ(Request(text + "abc"), "ok, with a rest");
}

TEST(RequestHead, RequestLineIsThreeWordsWithSingleSpaces) {
  for (const char* line : {"GET", "GET /", "/ HTTP/1.1", " GET / HTTP/1.1"})
    EXPECT_NE(Request(std::string(line) + "\r\nHost: a\r\n\r\n"), "ok") << line;
  EXPECT_EQ(Request("GET  / HTTP/1.1\r\nHost: a\r\n\r\n"), "http/target");
  EXPECT_EQ(Request("GET /  HTTP/1.1\r\nHost: a\r\n\r\n"), "http/target");
  EXPECT_EQ(Request("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"), "http/target");
  EXPECT_EQ(Request("G\tT / HTTP/1.1\r\nHost: a\r\n\r\n"), "http/method");
  EXPECT_EQ(Request("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n"), "http/request-line");
  EXPECT_EQ(Request(std::string(65, 'A') + " / HTTP/1.1\r\nHost: a\r\n\r\n"), "http/method");
}

TEST(RequestHead, OtherVersionsAreRefused) {
  for (const char* version :
       {"HTTP/0.9", "HTTP/2.0", "HTTP/1.2", "HTTP/1.10", "http/1.1", "HTTP/11", "HTTP/1.1 "}) {
    const std::string said = Request("GET / " + std::string(version) + "\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(said == "http/version" || said == "http/target") << version << said;
  }
  EXPECT_EQ(Request("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "http/version");
}

TEST(RequestHead, TargetsThatTwoReadersCouldReadDifferentlyAreRefused) {
  EXPECT_EQ(Target("/"), "ok");
  EXPECT_EQ(Target("*"), "http/target");
  EXPECT_EQ(Request("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), "ok");
  EXPECT_EQ(Target("/a?b=/c?d"), "ok");
  EXPECT_EQ(Target("http://a/b"), "ok");
  EXPECT_EQ(Target("HTTP://A"), "ok");
  for (const std::string& target :
       {std::string("a"), std::string("//\x7f"), std::string("/\x80"), std::string("/\0", 2),
        std::string("/a#b"), std::string("ftp://a/"), std::string("http:///a"), std::string("http://"),
        std::string("http:/a"), std::string("/\t")}) {
    EXPECT_EQ(Target(target), "http/target") << target;
  }
  EXPECT_EQ(Request("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n"), "http/connect");
}

TEST(RequestHead, PathOfAnAbsoluteTargetIsFoundBehindTheAuthority) {
  EXPECT_EQ(Parsed("GET http://a/b/c?d HTTP/1.1\r\nHost: a\r\n\r\n").path(), "/b/c");
  EXPECT_EQ(Parsed("GET http://a?d HTTP/1.1\r\nHost: a\r\n\r\n").path(), "/");
  EXPECT_EQ(Parsed("GET http://a HTTP/1.1\r\nHost: a\r\n\r\n").path(), "/");
  EXPECT_EQ(Parsed("GET /x?u=http://a/b HTTP/1.1\r\nHost: a\r\n\r\n").path(), "/x");
  EXPECT_EQ(Parsed("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").path(), "*");
}

TEST(RequestHead, HostIsGivenOnceAndMeansTheSameAsTheTarget) {
  EXPECT_EQ(Request("GET / HTTP/1.1\r\n\r\n"), "http/missing-host");
  EXPECT_EQ(Request("GET / HTTP/1.0\r\n\r\n"), "ok");
  EXPECT_EQ(With("Host: a"), "http/duplicate-host");
  EXPECT_EQ(With("hOST: b"), "http/duplicate-host");
  for (const char* host : {"a, b", "a,b", "a@b", "a/b", "a b", "a?b", "a\\b", "a#b", "\"a\""})
    EXPECT_EQ(Target("/", host), "http/host") << host;
  for (const char* host : {"a", "a.b:80", "[::1]:80", "", "A_b-c~d"})
    EXPECT_EQ(Target("/", host), "ok") << host;
  EXPECT_EQ(Target("http://a:80/", "a"), "http/host-differs-from-target");
  EXPECT_EQ(Target("http://b/", "a"), "http/host-differs-from-target");
  EXPECT_EQ(Target("http://u@a/", "a"), "http/host");
  EXPECT_EQ(Request("GET http://a,b/ HTTP/1.0\r\n\r\n"), "http/host");
  EXPECT_EQ(Target("http://A/", "a"), "ok");
}

TEST(RequestHead, BareLineFeedsAndCarriageReturnsAreRefused) {
  EXPECT_EQ(Request("GET / HTTP/1.1\nHost: a\r\n\r\n"), "http/bare-line-feed");
  EXPECT_EQ(With("X: b\nY: c"), "http/bare-line-feed");
  EXPECT_EQ(With("X: b\r\n\nY: c"), "http/bare-line-feed");
  EXPECT_EQ(With("X: b\rY: c"), "http/header-value");
  EXPECT_EQ(With("X\r: b"), "http/header-name");
  EXPECT_EQ(Request("GET /\r HTTP/1.1\r\nHost: a\r\n\r\n"), "http/target");
  EXPECT_EQ(With("X: b\r"), "http/header-value");
}

TEST(RequestHead, HeaderLinesAreNameColonValue) {
  EXPECT_EQ(With("NoColon"), "http/header-without-colon");
  EXPECT_EQ(With(": v"), "http/header-name");
  EXPECT_EQ(With("X : v"), "http/header-name");
  EXPECT_EQ(With("X\t: v"), "http/header-name");
  EXPECT_EQ(With("X\x80: v"), "http/header-name");
  EXPECT_EQ(With("X(): v"), "http/header-name");
  EXPECT_EQ(With(" X: v"), "http/folded-header");
  EXPECT_EQ(With("X: a\r\n b"), "http/folded-header");
  EXPECT_EQ(With("X: a\r\n\tb"), "http/folded-header");
  EXPECT_EQ(Request("GET / HTTP/1.1\r\n Host: a\r\n\r\n"), "http/folded-header");
  EXPECT_EQ(With(std::string("X: a\0b", 6)), "http/header-value");
  EXPECT_EQ(With("X: a\x7f"), "http/header-value");
  EXPECT_EQ(With("X: caf\xc3\xa9 \xff"), "ok");
}

TEST(RequestHead, ContentLengthIsOnePlainNumber) {
  for (const char* value : {"+5", "-1", "-0", "0x5", "0200", "00", "1_0", "5 5", "18446744073709551616", "",
                            "5, 6", "5,5", "5;", "1e3", "\x0b5"})
    EXPECT_NE(With("Content-Length: " + std::string(value)), "ok") << value;
  EXPECT_EQ(With("Content-Length: 5\r\nContent-Length: 6"), "http/duplicate-content-length");
  EXPECT_EQ(With("Content-Length: 5\r\ncontent-length: 5"), "http/duplicate-content-length");
  EXPECT_EQ(With("Content-Length: 0"), "ok");
  const RequestHead head = Parsed("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 123456789012345678\r\n\r\n");
  EXPECT_EQ(head.framing, Framing::kLength);
  EXPECT_EQ(head.content_length, 123456789012345678u);
}

TEST(RequestHead, TransferEncodingIsChunkedOrNothing) {
  EXPECT_EQ(With("Transfer-Encoding: chunked"), "ok");
  EXPECT_EQ(With("transfer-encoding: \tChunked "), "ok");
  for (const char* value : {"xchunked", "chunked,", ",chunked", "identity", "gzip", "chunked, gzip",
                            "gzip, chunked", "chunked, chunked", "\"chunked\"", "chunked;q=1", ""})
    EXPECT_EQ(With("Transfer-Encoding: " + std::string(value)), "http/transfer-encoding") << value;
  for (const std::string& value : {std::string("\x0b"
                                               "chunked"),
                                   std::string("\x0c"
                                               "chunked"),
                                   std::string("chunked\0", 8)})
    EXPECT_EQ(With("Transfer-Encoding: " + value), "http/header-value");
  EXPECT_EQ(With("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
            "http/duplicate-transfer-encoding");
  EXPECT_EQ(With("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity"),
            "http/duplicate-transfer-encoding");
  EXPECT_EQ(With("Transfer-Encoding : chunked"), "http/header-name");
  EXPECT_EQ(With("Transfer-Encoding:\r\n chunked"), "http/folded-header");
  EXPECT_EQ(With("Content-Length: 5\r\nTransfer-Encoding: chunked"), "http/length-and-chunked");
  EXPECT_EQ(With("Transfer-Encoding: chunked\r\nContent-Length: 5"), "http/length-and-chunked");
  EXPECT_EQ(Request("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
            "http/transfer-encoding-in-1.0");
}

TEST(RequestHead, LooksAlikesOfFramingHeadersFrameNothing) {
  const RequestHead head =
      Parsed("GET / HTTP/1.1\r\nHost: a\r\nContent_Length: 5\r\nTransfer_Encoding: chunked\r\n\r\n");
  EXPECT_EQ(head.framing, Framing::kNone);
}

TEST(RequestHead, ConnectionSaysWhetherItStaysOpen) {
  const auto keeps = [](const std::string& version, const std::string& lines) {
    return Parsed("GET / HTTP/" + version + "\r\nHost: a\r\n" + lines + "\r\n").keep_alive;
  };
  EXPECT_TRUE(keeps("1.1", ""));
  EXPECT_FALSE(keeps("1.0", ""));
  EXPECT_TRUE(keeps("1.0", "Connection: Keep-Alive\r\n"));
  EXPECT_FALSE(keeps("1.1", "Connection: x, CLOSE\r\n"));
  EXPECT_FALSE(keeps("1.1", "Connection: x\r\nConnection: close\r\n"));
  EXPECT_TRUE(keeps("1.1", "Connection: closed\r\n"));
}

TEST(RequestHead, UpgradeNeedsBothHeadersAndHttp11) {
  const auto upgrades = [](const std::string& version, const std::string& lines) {
    return Parsed("GET / HTTP/" + version + "\r\nHost: a\r\n" + lines + "\r\n").upgrade;
  };
  EXPECT_TRUE(upgrades("1.1", "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"));
  EXPECT_FALSE(upgrades("1.1", "Upgrade: websocket\r\n"));
  EXPECT_FALSE(upgrades("1.1", "Connection: upgrade\r\n"));
  EXPECT_FALSE(upgrades("1.0", "Connection: upgrade\r\nUpgrade: websocket\r\n"));
}

TEST(RequestHead, SmallFactsAreSeen) {
  const RequestHead head =
      Parsed("PUT / HTTP/1.1\r\nHost: a\r\nTE: gzip, Trailers\r\nExpect: 100-Continue\r\n\r\n");
  EXPECT_TRUE(head.te_trailers);
  EXPECT_TRUE(head.expect_continue);
  for (const char* name : {"X-Tulle-Reason", "x_tulle_source", "X-TULLE", "x-Tulleage"})
    EXPECT_EQ(Parsed("GET / HTTP/1.1\r\nHost: a\r\n" + std::string(name) + ": 1\r\n\r\n").headers[1].known,
              Known::kMesh);
  EXPECT_EQ(Parsed("GET / HTTP/1.1\r\nHost: a\r\nTulle: 1\r\n\r\n").headers[1].known, Known::kOther);
}

TEST(RequestHead, SizesAreBounded) {
  EXPECT_EQ(Request(std::string(kMaxHeadBytes - 1, 'a')), "more");
  EXPECT_EQ(Request(std::string(kMaxHeadBytes, 'a')), "http/head-too-large");
  const std::string start = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
  const std::string fits = start + std::string(kMaxHeadBytes - start.size() - 4, 'v') + "\r\n\r\n";
  EXPECT_EQ(Request(fits), "ok");
  EXPECT_EQ(Request(start + "v" + fits.substr(start.size())), "http/head-too-large");
  EXPECT_EQ(Request(fits.substr(0, fits.size() - 2)), "more");

  std::string many = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (size_t i = 1; i < kMaxHeaders; ++i) many += "X: y\r\n";
  EXPECT_EQ(Request(many + "\r\n"), "ok");
  EXPECT_EQ(Request(many + "X: y\r\n\r\n"), "http/too-many-headers");
}

TEST(RequestHead, WhatWasParsedBeforeLeavesNoTrace) {
  RequestHead head;
  ASSERT_EQ(ParseRequestHead(
                "POST / HTTP/1.1\r\nHost: a\r\nConnection: close, upgrade\r\nUpgrade: x\r\nTE: trailers\r\n"
                "Expect: 100-continue\r\nContent-Length: 7\r\n\r\n",
                head)
                .status,
            ParseStatus::kDone);
  ASSERT_EQ(ParseRequestHead("GET / HTTP/1.1\r\nHost: b\r\n\r\n", head).status, ParseStatus::kDone);
  EXPECT_EQ(head.headers.size(), 1u);
  EXPECT_TRUE(head.keep_alive);
  EXPECT_FALSE(head.upgrade || head.te_trailers || head.expect_continue);
  EXPECT_EQ(head.framing, Framing::kNone);
  EXPECT_EQ(head.content_length, 0u);
}

Framing FramingOf(const std::string& text, std::string_view method = "GET") {
  ResponseHead head;
  EXPECT_EQ(ParseResponseHead(text, method, head).status, ParseStatus::kDone) << text;
  return head.framing;
}

TEST(ResponseHead, IsReadAsItIsWritten) {
  ResponseHead head;
  const std::string text = "HTTP/1.1 404 Not  Found\r\nServer: x\r\n\r\n";
  ASSERT_EQ(ParseResponseHead(text, "GET", head).bytes, text.size());
  EXPECT_EQ(head.status, 404);
  EXPECT_EQ(head.reason, "Not  Found");
  EXPECT_EQ(head.minor_version, 1);
  EXPECT_FALSE(head.interim());
  EXPECT_EQ(Response("HTTP/1.1 200\r\n\r\n"), "ok");
  EXPECT_EQ(Response("HTTP/1.1 200 \r\n\r\n"), "ok");
}

TEST(ResponseHead, BrokenStatusLinesAreRefused) {
  for (const char* line :
       {"", "HTTP/1.1", "HTTP/1.1 20", "HTTP/1.1 2000", "HTTP/1.1 2x0 OK", "HTTP/2.0 200 OK",
        "HTTP/1.1  200 OK", "HTTP/1.1 099 OK", "http/1.1 200 OK", "HTTP/1.1 200 O\rK", "ICY 200 OK ok"})
    EXPECT_EQ(Response(std::string(line) + "\r\n\r\n"), "upstream/status-line") << line;
  EXPECT_EQ(Response("HTTP/1.1 200 OK\n\n"), "upstream/bare-line-feed");
}

TEST(ResponseHead, FramingFollowsStatusMethodAndHeaders) {
  EXPECT_EQ(FramingOf("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), Framing::kLength);
  EXPECT_EQ(FramingOf("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), Framing::kNone);
  EXPECT_EQ(FramingOf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), Framing::kChunked);
  EXPECT_EQ(FramingOf("HTTP/1.1 200 OK\r\n\r\n"), Framing::kUntilClose);
  EXPECT_EQ(FramingOf("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HEAD"), Framing::kNone);
  for (const char* status : {"100", "101", "103", "204", "304"})
    EXPECT_EQ(FramingOf("HTTP/1.1 " + std::string(status) + " x\r\nContent-Length: 5\r\n\r\n"),
              Framing::kNone);
}

TEST(ResponseHead, AnEndByCloseCannotBeKeptAlive) {
  ResponseHead head;
  ASSERT_EQ(ParseResponseHead("HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n", "GET", head).status,
            ParseStatus::kDone);
  EXPECT_FALSE(head.keep_alive);
  ASSERT_EQ(ParseResponseHead("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n", "GET", head).status,
            ParseStatus::kDone);
  EXPECT_FALSE(head.keep_alive);
}

TEST(ResponseHead, AnAppThatSplitsResponsesGetsA502) {
  for (const char* lines :
       {"Content-Length: 5\r\nContent-Length: 6", "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: gzip", "Content-Length: -1", "Transfer-Encoding : chunked", "X: a\r\n b"}) {
    ResponseHead head;
    const ParseResult result =
        ParseResponseHead("HTTP/1.1 200 OK\r\n" + std::string(lines) + "\r\n\r\n", "GET", head);
    EXPECT_EQ(result.status, ParseStatus::kBad) << lines;
    EXPECT_EQ(result.reply, 502) << lines;
  }
  EXPECT_EQ(Response("HTTP/1.1 200 OK\r\nX: " + std::string(kMaxHeadBytes, 'v')), "upstream/head-too-large");
  EXPECT_EQ(Response(std::string(kMaxHeadBytes, 'v')), "upstream/head-too-large");
}

TEST(ResponseHead, InterimAnswersAreToldFromSwitching) {
  for (const auto& [status, interim] : {std::pair{100, true}, {103, true}, {101, false}, {200, false}}) {
    ResponseHead head;
    head.status = status;
    EXPECT_EQ(head.interim(), interim) << status;
  }
}

TEST(Methods, IdempotentOnesAreThoseOfTheStandard) {
  for (const char* method : {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
    EXPECT_TRUE(IsIdempotent(method));
  for (const char* method : {"POST", "PATCH", "get", "CONNECT", ""}) EXPECT_FALSE(IsIdempotent(method));
}

}  // namespace
}  // namespace tulle::http
