#include "sidecar/telemetry/access_log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <memory>

namespace tulle::sidecar::telemetry {
namespace {

// A pipe instead of standard output.
struct Pipe {
  Pipe() { EXPECT_EQ(pipe(ends), 0); }
  ~Pipe() {
    CloseWriter();
    close(ends[0]);
  }
  void CloseWriter() {
    if (ends[1] >= 0) close(ends[1]);
    ends[1] = -1;
  }
  std::string ReadAll() {
    CloseWriter();
    std::string text;
    char piece[4096];
    for (ssize_t got; (got = read(ends[0], piece, sizeof piece)) > 0;)
      text.append(piece, static_cast<size_t>(got));
    return text;
  }
  int ends[2];
};

std::string Escaped(std::string_view text) {
  std::string out;
  AppendJsonEscaped(out, text);
  return out;
}

TEST(AccessLog, LinesComeOutWholeAndInOrder) {
  Pipe pipe;
  std::string expected;
  {
    AccessLog log(pipe.ends[1]);
    for (int i = 0; i < 1000; ++i) {
      log.Write("line " + std::to_string(i));
      expected += "line " + std::to_string(i) + "\n";
    }
  }
  EXPECT_EQ(pipe.ReadAll(), expected);
}

TEST(AccessLog, ASlowReaderCostsLinesAndNeverTime) {
  Pipe pipe;
  auto log = std::make_unique<AccessLog>(pipe.ends[1]);
  const std::string line(1000, 'x');
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 5000; ++i) log->Write(line);
  EXPECT_GT(log->dropped(), 1000u);
  log.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(3));
}

TEST(JsonEscaping, TextStaysTextAndControlCharactersAreSpelled) {
  EXPECT_EQ(Escaped("plain /path?x=\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
            "plain /path?x=\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
  EXPECT_EQ(Escaped("a\"b\\c"), "a\\\"b\\\\c");
  EXPECT_EQ(Escaped(std::string_view("\0\n\x1f\x7f", 4)), "\\u0000\\u000a\\u001f\\u007f");
}

TEST(JsonEscaping, InvalidUtf8IsReplacedByteForByte) {
  EXPECT_EQ(Escaped("\xff"), "\\ufffd");
  EXPECT_EQ(Escaped("a\x80z"), "a\\ufffdz");
  EXPECT_EQ(Escaped("\xc0\xaf"), "\\ufffd\\ufffd");    // overlong
  EXPECT_EQ(Escaped("\xe0\x80\x80").size(), 18u);      // overlong
  EXPECT_EQ(Escaped("\xed\xa0\x80").size(), 18u);      // surrogate
  EXPECT_EQ(Escaped("\xf4\x90\x80\x80").size(), 24u);  // beyond Unicode
  EXPECT_EQ(Escaped("\xe2\x82"), "\\ufffd\\ufffd");    // cut off
  EXPECT_EQ(Escaped("\xe2\x82x"), "\\ufffd\\ufffdx");
}

}  // namespace
}  // namespace tulle::sidecar::telemetry
