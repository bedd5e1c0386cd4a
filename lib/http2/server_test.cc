#include "lib/http2/server.h"

#include <gmock/gmock.h>

#include "lib/http2/frames_for_test.h"
#include "lib/http2/pair_for_test.h"

namespace tulle::http2 {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsNull;
using ::testing::StartsWith;
using ::testing::StrEq;

constexpr int kEnds = NGHTTP2_FLAG_END_STREAM | NGHTTP2_FLAG_END_HEADERS;

// A server session and a peer that sends what the test says, byte for byte. Requests are answered at once.
class Raw : public Wire {
 protected:
  Raw() {
    server_ = std::make_unique<ServerSession>(std::move(far_), io::Buffer());
    loop_.Spawn(server_->Run());
    loop_.Spawn(Serve());
    Send(kPreface + Frame(NGHTTP2_SETTINGS, 0, 0, "") + Frame(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, ""));
    Receive();
  }
  ~Raw() override {
    server_->Close();
    Settle();
  }

  io::Task<void> Serve() {
    for (;;) {
      std::unique_ptr<io::Stream> stream = co_await server_->Next();
      if (stream == nullptr) co_return;
      std::string request = co_await ReadRequest(*stream);
      requests_.push_back(request);
      const std::string response = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
      if (answers_) {
        co_await stream->Write(response);
      } else {
        kept_.push_back(std::move(stream));
      }
    }
  }

  // Blocks neither side: what the server does not take is dropped.
  void Send(std::string_view bytes) {
    while (!bytes.empty() && !server_->ended()) {
      const io::IoResult put = near_->TryWrite(bytes);
      bytes.remove_prefix(put.bytes);
      if (!put.ok() && put.error != io::Error::kAgain) return;
      Settle(1);
    }
    Settle();
  }
  void Get(uint32_t stream, const std::string& more = "") {
    Send(Frame(NGHTTP2_HEADERS, kEnds, stream, kGetFields + more));
  }

  struct Received {
    int type;
    int flags;
    uint32_t stream;
    std::string payload;
    uint32_t code() const {  // of GOAWAY and RST_STREAM
      return Value(payload.substr(type == NGHTTP2_GOAWAY ? 4 : 0, 4));
    }
  };
  static uint32_t Value(std::string_view bytes) {
    uint32_t value = 0;
    for (const char c : bytes) value = value << 8 | static_cast<uint8_t>(c);
    return value;
  }
  std::vector<Received> Receive(size_t most = SIZE_MAX) {
    Settle(1);
    std::string space(1 << 16, '\0');
    while (most > 0) {
      const io::IoResult got = near_->TryRead({space.data(), std::min(most, space.size())});
      if (!got.ok()) break;
      received_.append(space, 0, got.bytes);
      most -= got.bytes;
    }
    std::vector<Received> frames;
    std::string_view rest = received_;
    while (rest.size() >= 9) {
      const size_t length = Value(rest.substr(0, 3));
      if (rest.size() < 9 + length) break;
      frames.push_back({rest[3], static_cast<uint8_t>(rest[4]), Value(rest.substr(5, 4)),
                        std::string(rest.substr(9, length))});
      rest.remove_prefix(9 + length);
    }
    received_.erase(0, received_.size() - rest.size());
    return frames;
  }
  // The first frame of that type; of none, one with type -1.
  Received Find(int type) {
    for (Received& frame : Receive()) {
      if (frame.type == type) return frame;
    }
    return {-1, 0, 0, {}};
  }

  // Sends the same again and again until the server has enough.
  void Flood(const std::string& frames, const char* why) {
    std::string many;
    while (many.size() < 60000) many += frames;
    for (int i = 0; i < 50 && !server_->ended(); ++i) Send(many);
    EXPECT_THAT(server_->why(), StrEq(why));
    EXPECT_EQ(Find(NGHTTP2_GOAWAY).code(), static_cast<uint32_t>(NGHTTP2_ENHANCE_YOUR_CALM)) << why;
    EXPECT_TRUE(server_->ended());
    EXPECT_EQ(server_->streams(), 0u);
  }

  std::unique_ptr<ServerSession> server_;
  std::vector<std::string> requests_;
  std::vector<std::unique_ptr<io::Stream>> kept_;
  std::string received_;
  bool answers_ = true;
};

TEST_F(Raw, ARequestIsAnswered) {
  Get(1);
  const Received head = Find(NGHTTP2_HEADERS);
  EXPECT_EQ(head.stream, 1u);
  EXPECT_EQ(head.flags, kEnds) << "a response without body ends with its head";
  EXPECT_THAT(requests_, ElementsAre("GET / HTTP/1.1\r\nhost: a\r\n\r\n"));
}

TEST_F(Raw, BytesReadWhileSniffingComeFirst) {
  io::Buffer seen;
  seen.Append(kPreface + Frame(NGHTTP2_SETTINGS, 0, 0, ""));
  int fds[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
  near_ = std::make_unique<io::PlainStream>(std::make_unique<io::Socket>(loop_, fds[0]));
  server_->Close();
  Settle();
  server_ = std::make_unique<ServerSession>(
      std::make_unique<io::PlainStream>(std::make_unique<io::Socket>(loop_, fds[1])), std::move(seen));
  loop_.Spawn(server_->Run());
  loop_.Spawn(Serve());
  Get(1);
  EXPECT_EQ(Find(NGHTTP2_HEADERS).stream, 1u);
}

TEST_F(Raw, WhatIsNoHttp2EndsTheConnection) {
  server_->Close();
  Settle();
  io::Buffer seen;
  seen.Append("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
  int fds[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
  near_ = std::make_unique<io::PlainStream>(std::make_unique<io::Socket>(loop_, fds[0]));
  server_ = std::make_unique<ServerSession>(
      std::make_unique<io::PlainStream>(std::make_unique<io::Socket>(loop_, fds[1])), std::move(seen));
  loop_.Spawn(server_->Run());
  Settle();
  EXPECT_TRUE(server_->ended());
  EXPECT_THAT(server_->why(), StrEq("http2/protocol"));
}

// H9: what could mean something else in HTTP/1.1 gets no further.
TEST_F(Raw, MalformedRequestsAreReset) {
  const std::string get = "\x82\x86\x84" + Literal(":authority", "a");
  const std::string bad[] = {
      get + Literal("x", "a\r\nb: c"),
      get + Literal("x", std::string("a\0b", 3)),
      get + Literal("x", " padded"),
      get + Literal("x y", "z"),
      get + Literal("x:y", "z"),
      get + Literal("", "z"),
      get + Literal("Upper", "z"),
      get + Literal("connection", "close"),
      get + Literal("connection", "x-one"),
      get + Literal("keep-alive", "1"),
      get + Literal("proxy-connection", "x"),
      get + Literal("transfer-encoding", "chunked"),
      get + Literal("upgrade", "h2c"),
      get + Literal("te", "gzip"),
      get + Literal("content-length", "5"),  // and nothing follows
      get + Literal("content-length", "0") + Literal("content-length", "0"),
      get + Literal("content-length", "+0"),
      get + Literal(":path", "/again"),
      get + Literal("x", "y") + Literal(":late", "z"),
      get + Literal(":protocol", "websocket"),
      get + Literal(":status", "200"),
      "\x82\x86" + Literal(":authority", "a"),                              // no path
      "\x86\x84" + Literal(":authority", "a"),                              // no method
      "\x82\x84" + Literal(":authority", "a"),                              // no scheme
      "\x82\x86\x84",                                                       // no authority
      "\x82\x86" + Literal(":path", "") + Literal(":authority", "a"),       //
      "\x82\x86" + Literal(":path", "x") + Literal(":authority", "a"),      //
      "\x82\x86" + Literal(":path", "/ x") + Literal(":authority", "a"),    //
      "\x82\x86" + Literal(":path", "/\r\n") + Literal(":authority", "a"),  //
      "\x82\x86\x84" + Literal(":authority", "a b"),                        //
      "\x82\x86\x84" + Literal(":authority", "a\r\nb"),                     //
      Literal(":method", "G T") + "\x86\x84" + Literal(":authority", "a"),  //
      Literal(":method", "GET\r\n") + "\x86\x84" + Literal(":authority", "a"),
  };
  uint32_t stream = 1;
  for (const std::string& fields : bad) {
    Send(Frame(NGHTTP2_HEADERS, kEnds, stream, fields));
    const Received reset = Find(NGHTTP2_RST_STREAM);
    EXPECT_EQ(reset.stream, stream) << fields;
    EXPECT_EQ(reset.code(), static_cast<uint32_t>(NGHTTP2_PROTOCOL_ERROR)) << fields;
    stream += 2;
  }
  EXPECT_TRUE(requests_.empty());
  EXPECT_EQ(server_->streams(), 0u);
}

TEST_F(Raw, WhatOnlyHttp1MindsIsLeftForTheReaderToRefuse) {
  Get(1, Literal("host", "b"));
  Send(Frame(NGHTTP2_HEADERS, kEnds, 3, "\x82\x86" + Literal(":path", "/#x") + Literal(":authority", "a")));
  Send(Frame(NGHTTP2_HEADERS, kEnds, 5, "\x82\x86\x84" + Literal(":authority", "user@a")));
  ASSERT_EQ(requests_.size(), 3u);
  for (const std::string& request : requests_) {
    http::RequestHead head;
    EXPECT_EQ(http::ParseRequestHead(request, head).status, http::ParseStatus::kBad) << request;
  }
}

TEST_F(Raw, ABodyThatIsNotAsLongAsItsHeadSaysBreaksTheStream) {
  Send(Frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, kGetFields + Literal("content-length", "5")));
  Send(Frame(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1, "abc"));
  EXPECT_EQ(Find(NGHTTP2_RST_STREAM).stream, 1u);
  ASSERT_EQ(requests_.size(), 1u);
  EXPECT_THAT(requests_[0], HasSubstr("<reset>"));
}

TEST_F(Raw, ConnectAndHeadsBeyondTheLimitsAreAnswered) {
  Send(Frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1,
             Literal(":method", "CONNECT") + Literal(":authority", "a:443")));
  std::vector<Received> frames = Receive();
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].flags, kEnds);
  EXPECT_THAT(frames[0].payload, HasSubstr("\x6c\x01")) << "501, as Huffman has it";
  EXPECT_EQ(frames[1].type, NGHTTP2_RST_STREAM);
  EXPECT_EQ(frames[1].code(), static_cast<uint32_t>(NGHTTP2_NO_ERROR));

  std::string many;
  for (size_t i = 0; i <= http::kMaxHeaders; ++i) many += Literal("x", "y");
  Get(3, many);
  EXPECT_THAT(Find(NGHTTP2_HEADERS).payload, HasSubstr("431"));
  EXPECT_TRUE(requests_.empty());
  EXPECT_EQ(server_->streams(), 0u);
}

// H5: a large entry of the table, named over and over.
TEST_F(Raw, AnHpackBombIsNotUnpacked) {
  const std::string add = kGetFields + '\x40' + Literal("x", std::string(3000, 'y')).substr(1);
  Send(Frame(NGHTTP2_HEADERS, kEnds, 1, add + std::string(50, '\xbe')));
  EXPECT_THAT(Find(NGHTTP2_HEADERS).payload, HasSubstr("431"));
  EXPECT_TRUE(requests_.empty());
  Get(3);
  EXPECT_EQ(requests_.size(), 1u);
  Send(Frame(NGHTTP2_HEADERS, kEnds, 5, add + std::string(12000, '\xbe')));
  EXPECT_THAT(server_->why(), StrEq("http2/header-flood"));
  EXPECT_TRUE(server_->ended());
}

TEST_F(Raw, MoreStreamsThanAnnouncedEndTheConnection) {
  answers_ = false;
  std::string all;
  for (uint32_t i = 0; i <= 100; ++i) all += Frame(NGHTTP2_HEADERS, kEnds, 2 * i + 1, kGetFields);
  Send(all);
  EXPECT_EQ(requests_.size(), 100u);
  EXPECT_EQ(Find(NGHTTP2_GOAWAY).code(), static_cast<uint32_t>(NGHTTP2_PROTOCOL_ERROR));
  for (const auto& stream : kept_) EXPECT_TRUE(stream->readiness().broken());
}

TEST_F(Raw, RapidResetsEndTheConnection) {
  std::string all;
  for (uint32_t i = 0; i < 2000; ++i) {
    all += Frame(NGHTTP2_HEADERS, kEnds, 2 * i + 1, kGetFields) +
           Frame(NGHTTP2_RST_STREAM, 0, 2 * i + 1, Number(NGHTTP2_CANCEL, 4));
  }
  Send(all);
  EXPECT_THAT(server_->why(), StrEq("http2/rapid-reset"));
  EXPECT_EQ(Find(NGHTTP2_GOAWAY).code(), static_cast<uint32_t>(NGHTTP2_ENHANCE_YOUR_CALM));
  EXPECT_LE(requests_.size(), 250u);
  EXPECT_TRUE(server_->ended());
}

TEST_F(Raw, MalformedRequestsByTheHundredEndTheConnection) {
  for (uint32_t i = 0; i < 2000 && !server_->ended(); i += 50) {
    std::string some;
    for (uint32_t j = i; j < i + 50; ++j) {
      some += Frame(NGHTTP2_HEADERS, kEnds, 2 * j + 1, kGetFields + Literal("connection", "x"));
    }
    Send(some);
  }
  EXPECT_THAT(server_->why(), StrEq("http2/malformed-flood"));
}

TEST_F(Raw, FloodsOfIdleFramesEndTheConnection) {
  Flood(Frame(NGHTTP2_PING, 0, 0, "12345678"), "http2/ping-flood");
}
TEST_F(Raw, FloodsOfSettingsEndTheConnection) {
  Flood(Frame(NGHTTP2_SETTINGS, 0, 0, ""), "http2/settings-flood");
}
TEST_F(Raw, FloodsOfPrioritiesEndTheConnection) {
  Flood(Frame(NGHTTP2_PRIORITY, 0, 1, std::string(5, '\0')), "http2/priority-flood");
}
TEST_F(Raw, FloodsOfUnknownFramesEndTheConnection) {
  Flood(Frame(0xbe, 0, 0, ""), "http2/unknown-frame-flood");
}
TEST_F(Raw, FloodsOfEmptyDataEndTheConnection) {
  Send(Frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, kGetFields));
  Flood(Frame(NGHTTP2_DATA, 0, 1, ""), "http2/empty-data-flood");
}
TEST_F(Raw, FloodsOfContinuationsEndTheConnection) {
  Send(Frame(NGHTTP2_HEADERS, 0, 1, kGetFields));
  Flood(Frame(NGHTTP2_CONTINUATION, 0, 1, ""), "http2/continuation-flood");
}

TEST_F(Raw, APeerThatDoesNotReadIsNotReadForEver) {
  // Answers queue up until the socket is full; then nothing more is taken.
  answers_ = false;
  std::string pings;
  for (int i = 0; i < 1000; ++i) pings += Frame(NGHTTP2_PING, 0, 0, "12345678");
  size_t sent = 0;
  for (int i = 0; i < 300 && !server_->ended(); ++i) {
    const io::IoResult put = near_->TryWrite(pings);
    if (put.error == io::Error::kAgain) break;
    sent += put.bytes;
    Settle(1);
  }
  EXPECT_LT(sent, 4u << 20);
}

io::Task<void> WriteMuch(io::Stream* stream) {
  const std::string much(10 << 20, 'x');
  const std::string text =
      "HTTP/1.1 200 OK\r\ncontent-length: " + std::to_string(much.size()) + "\r\n\r\n" + much;
  co_await stream->Write(text);
}

TEST_F(Raw, StreamsTakeTurnsOnAConnectionThatIsSlow) {
  answers_ = false;
  Send(Frame(NGHTTP2_SETTINGS, 0, 0, Number(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 2) + Number(1 << 30, 4)) +
       Frame(NGHTTP2_WINDOW_UPDATE, 0, 0, Number(1 << 30, 4)));
  Get(1, Literal("priority", "u=0"));
  Get(3);
  ASSERT_EQ(kept_.size(), 2u);
  io::Task<void> first = WriteMuch(kept_[0].get()), second = WriteMuch(kept_[1].get());
  first.Start();
  second.Start();
  size_t got[4] = {};
  for (int i = 0; i < 60; ++i) {
    for (const Received& frame : Receive(30000)) {
      if (frame.type == NGHTTP2_DATA) got[frame.stream] += frame.payload.size();
    }
  }
  EXPECT_GT(got[1], 700000u);
  EXPECT_NEAR(got[1], got[3], 150000);
}

TEST_F(Raw, LeavingIsAnnouncedAndThenSaid) {
  answers_ = false;
  Send(Frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, kGetFields));
  server_->Leave();
  std::vector<Received> frames = Receive();
  ASSERT_EQ(frames.size(), 2u);
  const auto ping = frames[0].type == NGHTTP2_PING ? frames[0] : frames[1];
  const auto announced = frames[0].type == NGHTTP2_PING ? frames[1] : frames[0];
  EXPECT_EQ(Value(announced.payload.substr(0, 4)), 0x7fffffffu);
  EXPECT_EQ(announced.code(), 0u);
  // A request that crossed it is served.
  Get(3);
  Send(Frame(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, ping.payload));
  EXPECT_EQ(Value(Find(NGHTTP2_GOAWAY).payload.substr(0, 4)), 3u);
  // A later one is not.
  Get(5);
  EXPECT_EQ(server_->streams(), 2u);
  EXPECT_FALSE(server_->ended());
  Send(Frame(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1, ""));
  ASSERT_EQ(kept_.size(), 2u);
  for (const auto& stream : kept_) {
    EXPECT_TRUE(stream->TryWrite(std::string_view("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")).ok());
  }
  EXPECT_EQ(Receive().size(), 4u);
  EXPECT_TRUE(server_->ended()) << "with its last stream";
  EXPECT_THAT(server_->why(), IsNull());
}

TEST_F(Raw, LeavingWithoutStreamsEndsSoonEvenWhenNobodyAnswers) {
  server_->Leave();
  Settle(10);
  EXPECT_FALSE(server_->ended());
  Settle(1050);
  EXPECT_EQ(Receive().size(), 3u);
  EXPECT_TRUE(server_->ended());
}

TEST_F(Raw, APeerThatGoesBreaksItsStreams) {
  answers_ = false;
  Get(1);
  near_.reset();
  Settle();
  EXPECT_TRUE(server_->ended());
  ASSERT_EQ(kept_.size(), 1u);
  EXPECT_TRUE(kept_[0]->readiness().broken());
}

}  // namespace
}  // namespace tulle::http2
