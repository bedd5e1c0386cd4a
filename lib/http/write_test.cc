#include "lib/http/write.h"

#include <gtest/gtest.h>

#include <string>

namespace tulle::http {
namespace {

std::string Forwarded(const std::string& text, std::vector<Field> added = {}) {
  RequestHead head;
  EXPECT_EQ(ParseRequestHead(text, head).status, ParseStatus::kDone) << text;
  io::Buffer out;
  RequestForm form;
  form.added = added;
  AppendRequestHead(out, head, form);
  return std::string(out.view());
}

const Field kAdded[] = {{"x-b", "2"}};

// The header lines of a GET with these, as they leave.
std::string Lines(const std::string& lines) {
  const std::string whole = Forwarded("GET / HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n");
  return whole.substr(25, whole.size() - 25 - 2);
}

std::string Answered(const std::string& text, const ResponseForm& form = {}) {
  ResponseHead head;
  EXPECT_EQ(ParseResponseHead(text, "GET", head).status, ParseStatus::kDone) << text;
  io::Buffer out;
  AppendResponseHead(out, head, form);
  return std::string(out.view());
}

TEST(AppendRequestHead, KeepsOrderAndCase) {
  const std::string text =
      "PoST /a%20b?c HTTP/1.1\r\nhOsT: a\r\nX-B: 1\r\nx-A: 2\r\nX-B: 3\r\nContent-Length: 4\r\n\r\n";
  EXPECT_EQ(Forwarded(text), text);
}

TEST(AppendRequestHead, DropsWhatIsForOneHop) {
  EXPECT_EQ(Lines("Connection: keep-alive\r\nKeep-Alive: 5\r\nProxy-Connection: close\r\nUpgrade: h2c\r\nTE: "
                  "gzip\r\n"),
            "");
  EXPECT_EQ(Lines("Connection: X-One, close\r\nX-One: 1\r\nX-Two: 2\r\n"), "X-Two: 2\r\n");
  EXPECT_EQ(Lines("Connection:\r\nConnection: x-one\r\nX-One: 1\r\n"), "");
}

TEST(AppendRequestHead, ConnectionCannotTakeAwayWhatOthersRelyOn) {
  const std::string kept =
      "Content-Length: 0\r\nAuthorization: b\r\nCookie: c\r\nX-Forwarded-For: d\r\nX-Request-Id: "
      "e\r\ntraceparent: f\r\n";
  EXPECT_EQ(Lines("Connection: content-length, authorization, cookie, x-forwarded-for, x-request-id, "
                  "traceparent, host\r\n" +
                  kept),
            kept);
}

TEST(AppendRequestHead, MeshHeadersAreOursAlone) {
  EXPECT_EQ(
      Lines("X-Tulle-Source: spiffe://evil\r\nx_tulle_source: evil\r\nX-TULLE: evil\r\nX-Tool: fine\r\n"),
      "X-Tool: fine\r\n");
  EXPECT_EQ(
      Forwarded("GET / HTTP/1.1\r\nHost: a\r\nX-Tulle-Source: evil\r\n\r\n", {{kSourceHeader, "shop/web"}}),
      "GET / HTTP/1.1\r\nHost: a\r\nx-tulle-source: shop/web\r\n\r\n");
}

TEST(AppendRequestHead, UpgradesAndTrailersAreSaidAgain) {
  EXPECT_EQ(Lines("Connection: Upgrade, x\r\nUpgrade: websocket\r\nX: 1\r\n"),
            "Connection: upgrade\r\nUpgrade: websocket\r\n");
  EXPECT_EQ(Lines("TE: trailers, gzip\r\n"), "Connection: te\r\nTE: trailers\r\n");
}

TEST(AppendRequestHead, OldVersionsBecomeHttp11WithAHost) {
  EXPECT_EQ(Forwarded("GET /a HTTP/1.0\r\nConnection: keep-alive\r\nHost: a\r\n\r\n"),
            "GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(Forwarded("GET /a HTTP/1.0\r\n\r\n"), "GET /a HTTP/1.1\r\nHost: \r\n\r\n");
  EXPECT_EQ(Forwarded("GET http://b/a HTTP/1.0\r\n\r\n"), "GET http://b/a HTTP/1.1\r\nHost: b\r\n\r\n");
}

TEST(AppendRequestHead, EditsFollowOneAnother) {
  const HeaderEdits first{{{"X-A", "1"}, {"x-b", "1"}}, {{"x-c", "1"}}, {"x-gone"}};
  const HeaderEdits second{{{"x-b", "2"}}, {{"x-c", "2"}, {"x-gone", "back"}}, {"x-a"}};
  RequestHead head;
  const std::string text =
      "GET /a HTTP/1.1\r\nHost: h\r\nx-a: 0\r\nX-B: 0\r\nX-C: 0\r\nX-Gone: 0\r\nx-d: 0\r\n\r\n";
  ASSERT_EQ(ParseRequestHead(text, head).status, ParseStatus::kDone);
  RequestForm form;
  form.edits = {&first, &second};
  form.target = "/b";
  form.host = "other";
  io::Buffer out;
  AppendRequestHead(out, head, form);
  EXPECT_EQ(out.view(),
            "GET /b HTTP/1.1\r\nHost: other\r\nX-C: 0\r\nx-d: 0\r\nx-c: 1\r\nx-b: 2\r\nx-c: 2\r\nx-gone: "
            "back\r\n\r\n");
}

TEST(AppendResponseHead, KeepsStatusAndHeaders) {
  EXPECT_EQ(
      Answered("HTTP/1.1 207 Multi  Status\r\nX-A: 1\r\nTransfer-Encoding: chunked\r\nKeep-Alive: 1\r\n\r\n"),
      "HTTP/1.1 207 Multi  Status\r\nX-A: 1\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(
      Answered("HTTP/1.0 200\r\nConnection: x-a\r\nX-A: 1\r\nContent-Length: 1\r\n\r\n", {.added = kAdded}),
      "HTTP/1.1 200 \r\nContent-Length: 1\r\nx-b: 2\r\n\r\n");
}

TEST(AppendResponseHead, SaysWhetherTheConnectionStays) {
  const std::string text = "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n";
  EXPECT_EQ(Answered(text), "HTTP/1.1 200 OK\r\n\r\n");
  EXPECT_EQ(Answered(text, {.keep_alive = false}), "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(Answered(text, {.client_is_1_0 = true}), "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n");
}

TEST(AppendResponseHead, AnOldClientGetsNoChunks) {
  EXPECT_EQ(Answered("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x\r\n\r\n",
                     {.keep_alive = false, .client_is_1_0 = true, .dechunk = true}),
            "HTTP/1.0 200 OK\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(Answered("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", {.client_is_1_0 = true}),
            "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n");
}

TEST(AppendResponseHead, SwitchingKeepsItsUpgrade) {
  EXPECT_EQ(Answered("HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
            "HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
}

TEST(AppendResponseHead, ReasonsOfAPeerPassAndThoseOfAnAppDoNot) {
  const std::string text = "HTTP/1.1 403 No\r\nx-tulle-reason: access/deny a#0\r\nx-tulle-unsent: 1\r\n\r\n";
  EXPECT_EQ(Answered(text), "HTTP/1.1 403 No\r\n\r\n");
  EXPECT_EQ(Answered(text, {.keep_mesh_headers = true}),
            "HTTP/1.1 403 No\r\nx-tulle-reason: access/deny a#0\r\n\r\n");
}

TEST(LocalReply, IsAWholeResponseWithItsReason) {
  const Field kRetryAfter[] = {{"retry-after", "1"}};
  EXPECT_EQ(FormatLocalReply({.status = 403, .reason = "access/deny shop/a#1", .detail = {}, .added = {}}),
            "HTTP/1.1 403 Forbidden\r\ncontent-type: text/plain\r\ncontent-length: 28\r\n"
            "x-tulle-reason: access/deny shop/a#1\r\n\r\ntulle: access/deny shop/a#1\n");
  const std::string text = FormatLocalReply({.status = 503,
                                             .reason = "r",
                                             .detail = "d",
                                             .added = kRetryAfter,
                                             .unsent = true,
                                             .keep_alive = false,
                                             .head_only = true});
  EXPECT_NE(text.find("\r\nretry-after: 1\r\n"), std::string::npos);
  EXPECT_NE(text.find("content-length: 12\r\n"), std::string::npos);
  EXPECT_NE(text.find("x-tulle-unsent: 1\r\nconnection: close\r\n\r\n"), std::string::npos);
  EXPECT_TRUE(text.ends_with("\r\n\r\n"));
  ResponseHead head;
  EXPECT_EQ(ParseResponseHead(text, "HEAD", head).status, ParseStatus::kDone);
}

}  // namespace
}  // namespace tulle::http
