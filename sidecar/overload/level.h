#pragma once

#include <cstdint>
#include <string_view>

#include "lib/io/loop.h"

// How much the sidecar may still take on. Values in, verdicts out.
namespace tulle::sidecar::overload {

enum class Level : uint8_t {
  kNormal,
  kTight,     // what is idle goes: pooled connections, clients between two requests
  kFull,      // clients are asked to leave after their answer, and no new ones are taken in
  kCritical,  // requests are refused at once
};
constexpr std::string_view Name(Level level) {
  switch (level) {
    case Level::kNormal:
      return "normal";
    case Level::kTight:
      return "tight";
    case Level::kFull:
      return "full";
    case Level::kCritical:
      return "critical";
  }
  return "critical";
}

struct Usage {
  uint64_t used = 0;
  uint64_t limit = 0;  // 0 = none
};
uint64_t Percent(const Usage& usage);

// The level that follows `before`. Memory that ends is the end of the process, so it goes up to kCritical.
// Descriptors that end only stop what is new: they make what is idle go, and leave the rest to the cap on
// connections.
Level LevelOf(const Usage& memory, const Usage& descriptors, Level before);

// What becomes of the time for which something idle or slow is put up with.
io::Duration Shrink(io::Duration patience, Level level);

}  // namespace tulle::sidecar::overload
