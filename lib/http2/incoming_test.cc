#include "lib/http2/incoming.h"

#include <gtest/gtest.h>

#include <string>

namespace tulle::http2 {
namespace {

using Framing = FieldBlock::Framing;

void Head(Incoming& incoming, std::string_view text, Framing framing) {
  incoming.BeginHead().Append(text);
  incoming.EndHead();
  incoming.Body(framing);
}

// All that can be read now, `piece` bytes at a time, and how much content went with it.
std::string Read(Incoming& incoming, size_t piece, size_t* content = nullptr) {
  std::string text;
  std::string space(piece, '\0');
  for (;;) {
    const Incoming::Step step = incoming.Read(space);
    if (content != nullptr) *content += step.content;
    if (step.bytes == 0) return text;
    text.append(space, 0, step.bytes);
  }
}

TEST(Incoming, TheTextDoesNotDependOnThePiecesInWhichItIsRead) {
  for (size_t piece = 1; piece < 80; ++piece) {
    Incoming incoming;
    Head(incoming, "HEAD\r\n\r\n", Framing::kChunked);
    incoming.AddContent("0123456789abcdef");
    incoming.AddContent("x");
    incoming.AddTrailers("a: b\r\nc: d\r\n");
    incoming.End();
    EXPECT_FALSE(incoming.drained());
    size_t content = 0;
    EXPECT_EQ(Read(incoming, piece, &content),
              "HEAD\r\n\r\n11\r\n0123456789abcdefx\r\n0\r\na: b\r\nc: d\r\n\r\n");
    EXPECT_EQ(content, 17u);
    EXPECT_TRUE(incoming.drained()) << piece;
  }
}

TEST(Incoming, ContentIsChunkedAsItIsReadNotAsItCame) {
  Incoming incoming;
  Head(incoming, "", Framing::kChunked);
  EXPECT_EQ(Read(incoming, 100), "");
  for (int i = 0; i < 20; ++i) incoming.AddContent("x");
  EXPECT_EQ(Read(incoming, 100), "14\r\nxxxxxxxxxxxxxxxxxxxx\r\n");
  incoming.AddContent("y");
  EXPECT_EQ(Read(incoming, 100), "1\r\ny\r\n");
  EXPECT_FALSE(incoming.drained());
  incoming.End();
  EXPECT_TRUE(incoming.readable());
  EXPECT_EQ(Read(incoming, 100), "0\r\n\r\n");
  EXPECT_TRUE(incoming.drained());
}

TEST(Incoming, ABodyWithALengthPassesBareAndDropsTrailers) {
  Incoming incoming;
  Head(incoming, "H", Framing::kLength);
  incoming.AddContent("abc");
  EXPECT_EQ(Read(incoming, 2), "Habc");
  incoming.AddTrailers("a: b\r\n");
  incoming.End();
  EXPECT_EQ(Read(incoming, 2), "");
  EXPECT_TRUE(incoming.drained());
}

TEST(Incoming, SeveralHeadsStandBehindEachOther) {
  Incoming incoming;
  Head(incoming, "one", Framing::kNone);
  EXPECT_EQ(Read(incoming, 2).size(), 3u);
  Head(incoming, "two", Framing::kNone);
  Head(incoming, "three", Framing::kLength);
  incoming.AddContent("x");
  EXPECT_EQ(Read(incoming, 2), "twothreex");
}

}  // namespace
}  // namespace tulle::http2
