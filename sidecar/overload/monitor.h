#pragma once

#include <atomic>

#include "lib/io/loop.h"
#include "lib/telemetry/registry.h"
#include "sidecar/overload/descriptors.h"
#include "sidecar/overload/memory.h"

namespace tulle::sidecar::overload {

// Looks at memory and descriptors once a second, more often when they go short, and says for everybody how
// much may still be taken on. Runs on the control loop; the level may be read from any thread.
class Monitor {
 public:
  // `memory_limit` in bytes; 0 = the cgroup's.
  Monitor(io::Loop& loop, ::tulle::telemetry::Registry& registry, uint64_t memory_limit,
          uint64_t descriptors);

  io::Task<void> Run();
  const std::atomic<Level>& level() const { return level_; }

 private:
  void Look();
  void Trim(io::TimePoint now);

  io::Loop& loop_;
  MemoryMeter memory_meter_;
  DescriptorMeter descriptor_meter_;
  std::atomic<Level> level_{Level::kNormal};
  bool watchful_ = false;
  io::TimePoint trimmed_{};
  ::tulle::telemetry::Gauge& level_gauge_;
  ::tulle::telemetry::Gauge& memory_used_;
  ::tulle::telemetry::Gauge& memory_limit_;
  ::tulle::telemetry::Gauge& descriptors_used_;
  ::tulle::telemetry::Gauge& descriptors_limit_;
};

}  // namespace tulle::sidecar::overload
