#include "lib/http2/guard.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <cstring>

namespace tulle::http2 {

bool TokenBucket::Take(TimePoint now) {
  if (now > last_) {
    Give(per_second_ * std::chrono::duration<double>(now - last_).count());
    last_ = now;
  }
  if (level_ < 1) return false;
  --level_;
  return true;
}

void TokenBucket::Give(double tokens) { level_ = std::min(burst_, level_ + tokens); }

Guard::Guard(const Limits& limits, bool of_client, TimePoint now)
    : of_client_(of_client),
      began_(now),
      resets_(limits.reset_burst, limits.resets_per_second, now),
      idle_frames_(kIdleFrameBurst, kIdleFramesPerSecond, now),
      skip_(of_client ? NGHTTP2_CLIENT_MAGIC_LEN : 0) {}

const char* Guard::Look(std::string_view bytes, TimePoint now) {
  while (!bytes.empty()) {
    const size_t skipped = std::min(skip_, bytes.size());
    skip_ -= skipped;
    bytes.remove_prefix(skipped);
    const size_t taken = std::min(sizeof head_ - head_bytes_, bytes.size());
    std::memcpy(head_ + head_bytes_, bytes.data(), taken);
    head_bytes_ += taken;
    bytes.remove_prefix(taken);
    if (head_bytes_ < sizeof head_) break;
    head_bytes_ = 0;
    skip_ = size_t{head_[0]} << 16 | size_t{head_[1]} << 8 | head_[2];
    if (const char* why = OnFrame(now)) return why;
  }
  return nullptr;
}

const char* Guard::OnFrame(TimePoint now) {
  const unsigned char flags = head_[4];
  switch (head_[3]) {
    case NGHTTP2_HEADERS:
      continuations_ = 0;
      return nullptr;
    case NGHTTP2_CONTINUATION:
      return ++continuations_ > kMaxContinuations ? "http2/continuation-flood" : nullptr;
    case NGHTTP2_DATA:
      // Padding is bytes, but not data.
      if (flags & NGHTTP2_FLAG_END_STREAM || (skip_ > 0 && !(flags & NGHTTP2_FLAG_PADDED))) return nullptr;
      return Idle(now, "http2/empty-data-flood");
    case NGHTTP2_RST_STREAM:
      // A server ends calls early as a matter of course.
      return of_client_ ? OnReset(now, "http2/rapid-reset") : nullptr;
    case NGHTTP2_SETTINGS:
      return skip_ / 6 > kMaxSettings ? "http2/too-many-settings" : Idle(now, "http2/settings-flood");
    case NGHTTP2_PING:
      return Idle(now, "http2/ping-flood");
    case NGHTTP2_PRIORITY:
      return Idle(now, "http2/priority-flood");
    case NGHTTP2_WINDOW_UPDATE:
      return Idle(now, "http2/window-update-flood");
    default:
      return Idle(now, "http2/unknown-frame-flood");
  }
}

const char* Guard::Idle(TimePoint now, const char* why) { return idle_frames_.Take(now) ? nullptr : why; }

const char* Guard::OnReset(TimePoint now, const char* why) {
  ++resets_seen_;
  const bool rapid =
      now - began_ < kRapidResetTime && requests_ > kRapidResetRequests && resets_seen_ * 2 > requests_;
  return resets_.Take(now) && !rapid ? nullptr : why;
}

const char* Guard::OnOwnReset(TimePoint now) { return OnReset(now, "http2/malformed-flood"); }

void Guard::OnRequest() {
  ++requests_;
  idle_frames_.Give(kIdleFramesPerRequest);
}

// A server may acknowledge each of our frames at once, however small; a client that gives us byte by byte
// what it wants to read means no good.
void Guard::OnDataSent(size_t bytes) {
  if (!of_client_ || bytes >= kWorthyDataBytes) idle_frames_.Give(kIdleFramesPerData);
}

}  // namespace tulle::http2
