#pragma once

#include <array>
#include <chrono>
#include <cstdint>

namespace tulle::sidecar::protect {

using Duration = std::chrono::steady_clock::duration;
using TimePoint = std::chrono::steady_clock::time_point;

// Calls, and how many of them failed.
struct Tally {
  uint64_t calls = 0;
  uint64_t failures = 0;

  // At least `percent` of the calls failed.
  bool FailedBy(int64_t percent) const {
    return calls > 0 && failures * 100 >= static_cast<uint64_t>(percent) * calls;
  }
  Tally& operator+=(const Tally& other) {
    calls += other.calls;
    failures += other.failures;
    return *this;
  }
};

// What has happened within the last `span`, give or take an eighth of it, which is how time is sliced.
class Window {
 public:
  void Add(TimePoint now, Duration span, bool failed);
  Tally Sum(TimePoint now, Duration span) const;
  void Clear() { slices_ = {}; }

 private:
  static constexpr int64_t kSlices = 8;
  struct Slice {
    int64_t number = -kSlices;
    uint32_t calls = 0;
    uint32_t failures = 0;
  };
  std::array<Slice, kSlices> slices_{};
};

}  // namespace tulle::sidecar::protect
