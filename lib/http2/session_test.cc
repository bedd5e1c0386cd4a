#include "lib/http2/session.h"

#include <gmock/gmock.h>

#include "lib/http2/pair_for_test.h"

namespace tulle::http2 {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const std::string kGet = "GET /a?b=c HTTP/1.1\r\nHost: shop.local\r\n\r\n";

TEST_F(Pair, ARequestWithoutBodyAndItsResponseArriveAsTheyWere) {
  EXPECT_EQ(Ask("GET /a?b=c HTTP/1.1\r\nHost: shop.local\r\nX-One: 1\r\nx-one: 2\r\nAccept: */*\r\n\r\n"),
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi");
  EXPECT_THAT(requests_, ElementsAre("GET /a?b=c HTTP/1.1\r\nhost: shop.local\r\nx-one: 1\r\nx-one: 2\r\n"
                                     "accept: */*\r\n\r\n"));
  EXPECT_EQ(client_->streams(), 0u);
  EXPECT_EQ(server_->streams(), 0u);
}

TEST_F(Pair, ABodyWithALengthKeepsIt) {
  Ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_THAT(requests_, ElementsAre("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello"));
}

TEST_F(Pair, AnEmptyBodyWithALengthKeepsIt) {
  answer_ = [](const std::string&) { return "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"; };
  EXPECT_EQ(Ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"),
            "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
  EXPECT_THAT(requests_, ElementsAre("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n"));
}

TEST_F(Pair, AChunkedBodyIsChunkedAgainWithItsTrailers) {
  answer_ = [](const std::string&) {
    return "HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n1\r\nd\r\n0\r\nT: 1\r\nT: "
           "2\r\n\r\n";
  };
  EXPECT_EQ(Ask("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n"
                "Grpc-Status:  7 \r\n\r\n"),
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\nt: 1\r\nt: 2\r\n\r\n");
  EXPECT_THAT(requests_, ElementsAre("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
                                     "5\r\nhello\r\n0\r\ngrpc-status: 7\r\n\r\n"));
}

TEST_F(Pair, AResponseThatEndsWithItsHeadIsAnEmptyChunkedBody) {
  answer_ = [](const std::string&) {
    return "HTTP/1.1 200 OK\r\ngrpc-status: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
  };
  EXPECT_EQ(Ask(kGet), "HTTP/1.1 200 OK\r\ngrpc-status: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n");
}

TEST_F(Pair, TrailersSurviveWithoutABody) {
  answer_ = [](const std::string&) {
    return "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\ngrpc-status: 5\r\n\r\n";
  };
  EXPECT_EQ(Ask(kGet), "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\ngrpc-status: 5\r\n\r\n");
}

TEST_F(Pair, AnnouncedTrailersSurviveALengthAsWell) {
  answer_ = [](const std::string&) { return "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntrailer: x\r\n\r\nhi"; };
  EXPECT_EQ(Ask(kGet),
            "HTTP/1.1 200 OK\r\ntrailer: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n");
}

TEST_F(Pair, ResponsesThatHaveNoBodyStayWithoutOne) {
  answer_ = [](const std::string& request) {
    if (request.starts_with("HEAD")) return "HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n";
    if (request.starts_with("PUT")) return "HTTP/1.1 204 No Content\r\n\r\n";
    return "HTTP/1.1 304 Not Modified\r\ncontent-length: 500\r\netag: x\r\n\r\n";
  };
  EXPECT_EQ(Ask("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"), "HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n");
  EXPECT_EQ(Ask("PUT / HTTP/1.1\r\nHost: a\r\n\r\n"), "HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_EQ(Ask(kGet), "HTTP/1.1 304 Not Modified\r\ncontent-length: 500\r\netag: x\r\n\r\n");
}

TEST_F(Pair, InterimResponsesComeFirst) {
  answer_ = [](const std::string&) {
    return "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
           "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx";
  };
  EXPECT_EQ(Ask(kGet),
            "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx");
}

TEST_F(Pair, ABodyUntilTheEndEndsWithTheWriter) {
  answer_ = [](const std::string&) { return "HTTP/1.0 200 OK\r\n\r\nas long as it takes"; };
  until_close_ = true;
  EXPECT_THAT(Ask(kGet), EndsWith("\r\n\r\n13\r\nas long as it takes\r\n0\r\n\r\n"));
}

TEST_F(Pair, HopByHopHeadersStayBehindAndTeKeepsTrailers) {
  answer_ = [](const std::string&) {
    return "HTTP/1.1 200 OK\r\nConnection: close\r\nKeep-Alive: 5\r\nContent-Length: 0\r\n\r\n";
  };
  EXPECT_EQ(
      Ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: te, keep-alive\r\nTE: trailers, gzip\r\nUpgrade: x\r\n"
          "Proxy-Connection: keep-alive\r\n\r\n"),
      "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
  EXPECT_THAT(requests_, ElementsAre("GET / HTTP/1.1\r\nhost: a\r\nte: trailers\r\n\r\n"));
}

TEST_F(Pair, TargetsTakeTheFormThatServersKnow) {
  Ask("GET http://a/b?c HTTP/1.1\r\nHost: a\r\n\r\n");
  Ask("GET http://a?c HTTP/1.1\r\nHost: a\r\n\r\n");
  Ask("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
  Ask("OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(requests_, ElementsAre(StartsWith("GET /b?c HTTP/1.1\r\nhost: a\r\n"), StartsWith("GET /?c "),
                                     StartsWith("OPTIONS * "), StartsWith("OPTIONS * ")));
}

TEST_F(Pair, ManyRequestsShareTheConnection) {
  answer_ = [](const std::string& request) {
    const std::string body = request.substr(5, request.find(' ', 5) - 5);
    return "HTTP/1.1 200 OK\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  };
  std::vector<std::string> responses(1000);
  for (size_t round = 0; round < 1000; round += 100) {
    std::vector<io::Task<void>> asking;
    for (size_t i = round; i < round + 100; ++i) {
      asking.push_back(AskInto("GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\n\r\n", responses[i]));
      asking.back().Start();
    }
    for (auto& one : asking) Do(std::move(one));
  }
  for (size_t i = 0; i < 1000; ++i) EXPECT_THAT(responses[i], EndsWith("\r\n\r\n" + std::to_string(i)));
  EXPECT_EQ(server_->streams(), 0u);
}

TEST_F(Pair, LargeBodiesArriveWhole) {
  std::string much(3 << 20, '\0');
  for (size_t i = 0; i < much.size(); ++i) much[i] = static_cast<char>(i * 2654435761u >> 13);
  const std::string length = "content-length: " + std::to_string(much.size()) + "\r\n\r\n";
  answer_ = [](const std::string& request) {
    return "HTTP/1.1 200 OK\r\n" + request.substr(request.find("content-length"));
  };
  const std::string response = Ask("PUT / HTTP/1.1\r\nhost: a\r\n" + length + much);
  EXPECT_TRUE(response == "HTTP/1.1 200 OK\r\n" + length + much) << response.size();
}

}  // namespace
}  // namespace tulle::http2
