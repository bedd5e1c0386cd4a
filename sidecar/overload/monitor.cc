#include "sidecar/overload/monitor.h"

#include <malloc.h>
#include <spdlog/spdlog.h>

#include "sidecar/overload/limits.h"

namespace tulle::sidecar::overload {

Monitor::Monitor(io::Loop& loop, ::tulle::telemetry::Registry& registry, uint64_t memory_limit,
                 uint64_t descriptors)
    : loop_(loop),
      memory_meter_(memory_limit),
      descriptor_meter_(descriptors),
      level_gauge_(registry.GetGauge("tulle_overload_level",
                                     "0 normal, 1 tight, 2 full, 3 critical: requests are refused.")),
      memory_used_(registry.GetGauge("tulle_memory_used_bytes", "Memory that counts towards the limit.")),
      memory_limit_(registry.GetGauge("tulle_memory_limit_bytes", "What of it there may be; 0 = no limit.")),
      descriptors_used_(registry.GetGauge("tulle_descriptors_open", "Open file descriptors.")),
      descriptors_limit_(registry.GetGauge("tulle_descriptors_limit", "How many of them there may be.")) {
  Look();
}

io::Task<void> Monitor::Run() {
  for (;;) {
    const io::Duration pause = watchful_ ? io::Duration(kLookOftenEvery) : io::Duration(kLookEvery);
    co_await loop_.Sleep(pause);
    Look();
  }
}

void Monitor::Look() {
  const Usage memory = memory_meter_.Read();
  const Usage descriptors = descriptor_meter_.Read();
  memory_used_.Set(static_cast<double>(memory.used));
  memory_limit_.Set(static_cast<double>(memory.limit));
  descriptors_used_.Set(static_cast<double>(descriptors.used));
  descriptors_limit_.Set(static_cast<double>(descriptors.limit));
  watchful_ = std::max(Percent(memory), Percent(descriptors)) >= kWatchPercent;

  const Level before = level_.load(std::memory_order_relaxed);
  const Level now = LevelOf(memory, descriptors, before);
  if (now != Level::kNormal) Trim(loop_.now());
  if (now == before) return;
  level_.store(now, std::memory_order_relaxed);
  level_gauge_.Set(static_cast<double>(now));
  spdlog::warn("overload: {} after {}, {} of {} KiB of memory, {} of {} descriptors", Name(now), Name(before),
               memory.used >> 10, memory.limit >> 10, descriptors.used, descriptors.limit);
}

// What was freed counts until the system has it back.
void Monitor::Trim(io::TimePoint now) {
  if (now - trimmed_ < kTrimEvery) return;
  trimmed_ = now;
  malloc_trim(0);
}

}  // namespace tulle::sidecar::overload
