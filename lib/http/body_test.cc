#include "lib/http/body.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "lib/http/limits.h"

namespace tulle::http {
namespace {

BodyDecoder Framed(Framing framing, uint64_t length = 0) {
  Head head;
  head.framing = framing;
  head.content_length = length;
  return BodyDecoder(head);
}

struct Outcome {
  std::string payload;
  size_t bytes = 0;
  bool bad = false;
  bool done = false;
  bool operator==(const Outcome&) const = default;
};

// Decodes what arrives in pieces of the given sizes (the last one is repeated).
Outcome Decode(BodyDecoder decoder, std::string_view input, std::vector<size_t> pieces = {SIZE_MAX}) {
  Outcome outcome;
  for (size_t i = 0; !input.empty() && !decoder.done();) {
    std::string_view piece = input.substr(0, pieces[i]);
    if (i + 1 < pieces.size()) ++i;
    input.remove_prefix(piece.size());
    while (!piece.empty() && !decoder.done()) {
      const BodyDecoder::Step step = decoder.Next(piece);
      if (step.bad) {
        outcome.bad = true;
        return outcome;
      }
      outcome.payload += step.payload;
      outcome.bytes += step.bytes;
      piece.remove_prefix(step.bytes);
    }
  }
  outcome.done = decoder.done();
  return outcome;
}

Outcome Chunked(std::string_view input) { return Decode(Framed(Framing::kChunked), input); }
bool Bad(std::string_view input) { return Chunked(input).bad; }

TEST(Body, WithoutBodyIsDoneAtOnce) {
  EXPECT_TRUE(Framed(Framing::kNone).done());
  EXPECT_TRUE(Framed(Framing::kLength, 0).done());
  EXPECT_EQ(Decode(Framed(Framing::kNone), "GET").bytes, 0u);
}

TEST(Body, TrailersAreAPieceOfTheirOwn) {
  BodyDecoder decoder = Framed(Framing::kChunked);
  std::string_view rest = "2\r\nhi\r\n0\r\na: b\r\n\r\nGET";
  std::string trailers;
  while (!decoder.done()) {
    const bool in_trailers = decoder.in_trailers();
    const BodyDecoder::Step step = decoder.Next(rest);
    ASSERT_FALSE(step.bad);
    if (in_trailers) trailers += rest.substr(0, step.bytes);
    rest.remove_prefix(step.bytes);
  }
  EXPECT_EQ(trailers, "a: b\r\n\r\n");
  EXPECT_EQ(rest, "GET");
}

TEST(Body, LengthTakesExactlyItsBytes) {
  EXPECT_EQ(Decode(Framed(Framing::kLength, 5), "helloGET /"), (Outcome{"hello", 5, false, true}));
  EXPECT_EQ(Decode(Framed(Framing::kLength, 5), "hel"), (Outcome{"hel", 3, false, false}));
  EXPECT_EQ(Decode(Framed(Framing::kLength, 5), "hello", {1}), (Outcome{"hello", 5, false, true}));
}

TEST(Body, UntilCloseTakesEverythingAndIsNeverDone) {
  BodyDecoder decoder = Framed(Framing::kUntilClose);
  EXPECT_TRUE(decoder.until_close());
  EXPECT_EQ(decoder.Next("abc").payload, "abc");
  EXPECT_FALSE(decoder.done());
}

TEST(Body, ChunksAreJoinedAndTheRestIsLeftAlone) {
  const std::string text = "5\r\nhello\r\nA;x=\"y z\"\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n";
  EXPECT_EQ(Chunked(text + "GET / "), (Outcome{"hello0123456789", text.size(), false, true}));
  EXPECT_EQ(Chunked("0\r\n\r\nrest"), (Outcome{"", 5, false, true}));
  EXPECT_EQ(Chunked("00005\r\nhello\r\n0\r\n\r\n").payload, "hello");
  EXPECT_FALSE(Chunked(text.substr(0, text.size() - 1)).done);
}

TEST(Body, TakeReturnsTheFramingToo) {
  BodyDecoder decoder = Framed(Framing::kChunked);
  const BodyDecoder::Step step = decoder.Take("1\r\na\r\n0\r\n\r\nGET");
  EXPECT_EQ(step.payload, "1\r\na\r\n0\r\n\r\n");
  EXPECT_TRUE(decoder.done());
  EXPECT_TRUE(Framed(Framing::kChunked).Take("1\r\nab\r\n").bad);
}

TEST(Body, OutcomeDoesNotDependOnHowItIsCut) {
  std::mt19937 random(7);
  const std::string text =
      "3;a=b\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\nA: b\r\nLong-Name-That-Is-Not-Kept: c\r\n\r\nX";
  const Outcome whole = Chunked(text);
  ASSERT_TRUE(whole.done);
  for (int i = 0; i < 200; ++i) {
    std::vector<size_t> pieces(20);
    for (size_t& piece : pieces) piece = 1 + random() % 9;
    EXPECT_EQ(Decode(Framed(Framing::kChunked), text, pieces), whole);
  }
}

TEST(Body, SizesAreHexDigitsAndNothingElse) {
  for (const char* size : {"0x5", "+5", "-1", "1_0", " 5", "5 ", "\t5", "", "g", "5\t", "\"5\"", "5,5"})
    EXPECT_TRUE(Bad(std::string(size) + "\r\nhello\r\n0\r\n\r\n")) << size;
  EXPECT_TRUE(Bad("10000000000000005\r\nhello\r\n"));
  EXPECT_TRUE(Bad("ffffffffffffffff\r\nhello\r\n"));
  EXPECT_TRUE(Bad(std::string(kMaxChunkLineBytes, '0') + "5\r\nhello\r\n"));
}

TEST(Body, ExtensionsCarryNoLineEnds) {
  EXPECT_FALSE(Bad("1; a=b;c\r\nx\r\n0\r\n\r\n"));
  for (const std::string& extension :
       {std::string(";"), std::string(";\0a", 3), std::string(";a\nb"), std::string(";a\rb"),
        std::string(";a\x7f"), std::string("; "), std::string(";=b"), std::string(" ;a")})
    EXPECT_TRUE(Bad("1" + extension + "\r\nx\r\n0\r\n\r\n")) << extension;
  EXPECT_TRUE(Bad("1;" + std::string(100 << 10, 'a') + "\r\nx\r\n"));
}

TEST(Body, LinesEndWithBothBytes) {
  EXPECT_TRUE(Bad("1\nx\r\n0\r\n\r\n"));
  EXPECT_TRUE(Bad("1\r\nx\n0\r\n\r\n"));
  EXPECT_TRUE(Bad("1\r\nx0\r\n\r\n"));
  EXPECT_TRUE(Bad("5\r\nhello!!\r\n0\r\n\r\n"));
  EXPECT_TRUE(Bad("1\rx"));
  EXPECT_TRUE(Bad("0\r\n\n"));
  EXPECT_TRUE(Bad("0\r\nA: b\n\r\n"));
  EXPECT_TRUE(Bad("0\r\nA: b\r\r\n\r\n"));
}

TEST(Body, TrailersMustNotCarryWhatBelongsIntoAHead) {
  for (const char* name :
       {"Content-Length", "transfer-encoding", "HOST", "Authorization", "X-Tulle-Source", "x_tulle_a",
        "Cookie", "Connection", "TE", "Trailer", "Upgrade", "Expect", "Set-Cookie"})
    EXPECT_TRUE(Bad("0\r\n" + std::string(name) + ": 1\r\n\r\n")) << name;
  EXPECT_FALSE(Bad("0\r\ngrpc-status: 0\r\nHosts: x\r\n\r\n"));
}

TEST(Body, TrailersAreHeaderLines) {
  for (const char* line : {"NoColon", ": v", "A : b", " a: b", "A\x80: b", "A: b\x01", "A: b\x7f"})
    EXPECT_TRUE(Bad("0\r\n" + std::string(line) + "\r\n\r\n")) << line;
  EXPECT_FALSE(Bad("0\r\nA:\r\nB: \t c\r\n\r\n"));
  EXPECT_TRUE(Bad("0\r\nA: " + std::string(kMaxTrailerBytes, 'v') + "\r\n\r\n"));
  EXPECT_TRUE(Bad("0\r\n" + std::string(300, 'n') + "\r\n\r\n"));
}

}  // namespace
}  // namespace tulle::http
