#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "lib/http2/limits.h"

namespace tulle::http2 {

using TimePoint = std::chrono::steady_clock::time_point;

// So many at once, so many per second in the long run.
class TokenBucket {
 public:
  TokenBucket(double burst, double per_second, TimePoint now)
      : burst_(burst), per_second_(per_second), level_(burst), last_(now) {}

  // False when there is none left.
  bool Take(TimePoint now);
  void Give(double tokens);

 private:
  double burst_;
  double per_second_;
  double level_;
  TimePoint last_;
};

// Watches what a peer makes us do without getting anywhere: floods of frames that carry nothing, of resets,
// of endless heads. It reads the frame headers as they pass, before anything else does, since nghttp2 says
// nothing about frames that it ignores. All that returns words returns null as long as the peer behaves; else
// the reason for which its connection is to end.
class Guard {
 public:
  // Of a client, whose preface comes first, or of a server.
  Guard(const Limits& limits, bool of_client, TimePoint now);

  // The next bytes from the peer.
  const char* Look(std::string_view bytes, TimePoint now);
  // A stream that we reset because it broke the rules.
  const char* OnOwnReset(TimePoint now);

  void OnRequest();
  // We could send a DATA frame.
  void OnDataSent(size_t bytes);

 private:
  const char* OnFrame(TimePoint now);
  const char* OnReset(TimePoint now, const char* why);
  const char* Idle(TimePoint now, const char* why);

  bool of_client_;
  TimePoint began_;
  TokenBucket resets_;
  TokenBucket idle_frames_;
  uint64_t requests_ = 0;
  uint64_t resets_seen_ = 0;
  int continuations_ = 0;
  size_t skip_;  // bytes until the next frame header
  unsigned char head_[9];
  size_t head_bytes_ = 0;
};

}  // namespace tulle::http2
