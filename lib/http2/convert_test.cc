#include "lib/http2/convert.h"

#include <gmock/gmock.h>

#include <string>

#include "lib/http2/limits.h"

namespace tulle::http2 {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StrEq;
using Fields = std::vector<std::pair<std::string, std::string>>;
using Framing = FieldBlock::Framing;

FieldBlock Block(const Fields& fields, bool trailers = false) {
  FieldBlock block;
  block.Start(trailers);
  for (const auto& [name, value] : fields) block.Add(name, value);
  return block;
}

std::string Request(const Fields& fields, bool ended, Framing framing) {
  io::Buffer out;
  EXPECT_EQ(Block(fields).AppendRequest(out, ended), framing);
  return std::string(out.view());
}

std::string Response(const Fields& fields, bool ended, Framing framing, bool head = false) {
  io::Buffer out;
  EXPECT_EQ(Block(fields).AppendResponse(out, ended, head), framing);
  return std::string(out.view());
}

const Fields kGet = {{":method", "GET"}, {":path", "/"}, {":scheme", "http"}, {":authority", "a"}};

Fields With(Fields fields, const Fields& more) {
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

TEST(Convert, PseudoFieldsMayComeInAnyOrder) {
  EXPECT_EQ(Request({{":authority", "a"}, {":path", "/x"}, {":method", "PUT"}}, true, Framing::kNone),
            "PUT /x HTTP/1.1\r\nhost: a\r\n\r\n");
}

TEST(Convert, HostStandsInForTheAuthority) {
  EXPECT_EQ(Request({{":method", "GET"}, {":path", "/"}, {"x", "y"}, {"host", "b"}}, true, Framing::kNone),
            "GET / HTTP/1.1\r\nhost: b\r\nx: y\r\n\r\n");
  EXPECT_EQ(Request(With(kGet, {{"host", "A"}}), true, Framing::kNone), "GET / HTTP/1.1\r\nhost: a\r\n\r\n");
}

TEST(Convert, TwoAuthoritiesAreLeftForTheReaderToRefuse) {
  const std::string text = Request(With(kGet, {{"host", "b"}}), true, Framing::kNone);
  http::RequestHead head;
  EXPECT_THAT(http::ParseRequestHead(text, head).why, StrEq("http/duplicate-host"));
}

TEST(Convert, CookieCrumbsAreOneCookieAgain) {
  EXPECT_THAT(Request(With(kGet, {{"cookie", "a=1"}, {"x", "y"}, {"cookie", "b=2"}}), true, Framing::kNone),
              HasSubstr("cookie: a=1; b=2\r\n"));
}

TEST(Convert, TheFramingOfARequestFollowsFromLengthAndEnd) {
  EXPECT_THAT(Request(kGet, false, Framing::kChunked), EndsWith("transfer-encoding: chunked\r\n\r\n"));
  EXPECT_THAT(Request(With(kGet, {{"content-length", "7"}}), false, Framing::kLength),
              EndsWith("content-length: 7\r\n\r\n"));
  EXPECT_THAT(Request(With(kGet, {{"content-length", "7"}, {"trailer", "x"}}), false, Framing::kChunked),
              AllOf(Not(HasSubstr("content-length")), HasSubstr("trailer: x\r\n")));
}

TEST(Convert, TheFramingOfAResponseFollowsFromItsStatusToo) {
  EXPECT_EQ(Response({{":status", "204"}}, true, Framing::kNone), "HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_EQ(Response({{":status", "103"}}, false, Framing::kNone), "HTTP/1.1 103 Early Hints\r\n\r\n");
  EXPECT_EQ(Response({{":status", "200"}}, false, Framing::kNone, true), "HTTP/1.1 200 OK\r\n\r\n");
  EXPECT_EQ(Response({{":status", "200"}}, true, Framing::kChunked),
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
  EXPECT_EQ(Response({{":status", "200"}, {"content-length", "0"}}, true, Framing::kLength),
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
}

TEST(Convert, WhatMayNotBeATrailerIsLeftOut) {
  const FieldBlock block =
      Block({{"a", "b"}, {"content-length", "5"}, {"host", "x"}, {"x-tulle-source", "me"}}, true);
  EXPECT_EQ(block.lines(), "a: b\r\n");
}

TEST(Convert, TooMuchIsRefused) {
  Fields many;
  for (size_t i = 0; i <= http::kMaxHeaders; ++i) many.emplace_back("a", "b");
  EXPECT_THAT(Block(many).why(), StrEq("http/too-many-headers"));
  EXPECT_EQ(Block(many).reply(), 431);
  EXPECT_THAT(Block({{"a", std::string(kMaxHeaderListBytes, 'x')}}).why(), StrEq("http/head-too-large"));
  EXPECT_THAT(Block({{":path", std::string(kMaxHeaderListBytes, 'x')}}).why(), StrEq("http/head-too-large"));
  EXPECT_THAT(Block({{"a", std::string(http::kMaxTrailerBytes, 'x')}}, true).why(),
              StrEq("http/trailers-too-large"));
  EXPECT_EQ(Block(kGet).why(), nullptr);
}

Fields Made(const FieldList& list) {
  Fields fields;
  for (const nghttp2_nv& field : list.list) {
    fields.emplace_back(std::string(reinterpret_cast<char*>(field.name), field.namelen),
                        std::string(reinterpret_cast<char*>(field.value), field.valuelen));
  }
  return fields;
}

TEST(Convert, LinesOfTrailersBecomeFields) {
  FieldList list;
  MakeTrailerFields("Grpc-Status:  0 \r\nKeep-Alive: 5\r\nx:\r\n\r\n", list);
  EXPECT_EQ(Made(list), (Fields{{"Grpc-Status", "0"}, {"x", ""}}));
  MakeTrailerFields("\r\n", list);
  EXPECT_TRUE(list.list.empty());
}

TEST(Convert, ValuesOfOneRequestOnlyAreNotIndexed) {
  http::RequestHead head;
  ASSERT_EQ(http::ParseRequestHead("GET / HTTP/1.1\r\nHost: a\r\nTraceparent: 00\r\naccept: x\r\n\r\n", head)
                .status,
            http::ParseStatus::kDone);
  FieldList list;
  MakeRequestFields(head, list);
  ASSERT_EQ(list.list.size(), 6u);
  EXPECT_EQ(list.list[4].flags, NGHTTP2_NV_FLAG_NO_INDEX);
  EXPECT_EQ(list.list[5].flags, NGHTTP2_NV_FLAG_NONE);
}

TEST(Convert, AResponseWithoutContentHasNoLength) {
  http::ResponseHead head;
  for (const int status : {103, 204}) {
    const std::string text = "HTTP/1.1 " + std::to_string(status) + " x\r\nContent-Length: 5\r\n\r\n";
    ASSERT_EQ(http::ParseResponseHead(text, "GET", head).status, http::ParseStatus::kDone);
    FieldList list;
    MakeResponseFields(head, list);
    EXPECT_EQ(Made(list), (Fields{{":status", std::to_string(status)}}));
  }
}

}  // namespace
}  // namespace tulle::http2
