#include "sidecar/overload/level.h"

#include <algorithm>

#include "sidecar/overload/limits.h"

namespace tulle::sidecar::overload {
namespace {

Level Judge(uint64_t percent, Level before) {
  const auto reaches = [&](uint64_t threshold, Level level) {
    return percent >= (before >= level ? threshold - kEasePercent : threshold);
  };
  if (reaches(kCriticalPercent, Level::kCritical)) return Level::kCritical;
  if (reaches(kFullPercent, Level::kFull)) return Level::kFull;
  return reaches(kTightPercent, Level::kTight) ? Level::kTight : Level::kNormal;
}

}  // namespace

uint64_t Percent(const Usage& usage) {
  if (usage.limit == 0) return 0;
  if (usage.used >= usage.limit) return 100;
  return static_cast<uint64_t>(static_cast<double>(usage.used) / static_cast<double>(usage.limit) * 100);
}

Level LevelOf(const Usage& memory, const Usage& descriptors, Level before) {
  return std::max(Judge(Percent(memory), before),
                  std::min(Judge(Percent(descriptors), before), Level::kTight));
}

io::Duration Shrink(io::Duration patience, Level level) {
  switch (level) {
    case Level::kNormal:
      return patience;
    case Level::kTight:
      return patience / 20;
    case Level::kFull:
      return patience / 60;
    case Level::kCritical:
      return patience / 300;
  }
  return patience;
}

}  // namespace tulle::sidecar::overload
