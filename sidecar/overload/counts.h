#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "lib/telemetry/registry.h"

namespace tulle::sidecar::overload {

// What somebody ran into, in the words of the metric.
enum class Limit : uint8_t {
  kConnections,
  kDescriptors,
  kMemory,
  kRequests,
  kRequestsPerConnection,
  kStreams,
  kHandshakes,
  kDials,
  kIdle,
  kHeadBytes,
  kHeaders,
  kHeadTime,
};
inline constexpr size_t kLimits = static_cast<size_t>(Limit::kHeadTime) + 1;
constexpr const char* Name(Limit limit) {
  constexpr std::array<const char*, kLimits> names = {
      "connections", "descriptors", "memory", "requests", "requests-per-connection",
      "streams",     "handshakes",  "dials",  "idle",     "head-bytes",
      "headers",     "head-time"};
  return names[static_cast<size_t>(limit)];
}

// Of a refused request, in the words of x-tulle-reason.
constexpr const char* Reason(Limit limit) {
  switch (limit) {
    case Limit::kConnections:
      return "overload/connections";
    case Limit::kDescriptors:
      return "overload/descriptors";
    case Limit::kMemory:
      return "overload/memory";
    case Limit::kRequests:
      return "overload/requests";
    case Limit::kDials:
      return "overload/dials";
    default:
      return "overload/limit";
  }
}

// How often each limit was hit on one worker: tulle_limits_total. Used on its thread.
class LimitCounts {
 public:
  LimitCounts(::tulle::telemetry::Registry& registry, const std::string& worker);

  void Hit(Limit limit) { counters_[static_cast<size_t>(limit)]->Add(); }
  // What was hit since this was asked last: "connections 12, memory 1"; empty when nothing was.
  std::string News();

 private:
  std::array<::tulle::telemetry::Counter*, kLimits> counters_;
  std::array<uint64_t, kLimits> told_{};
};

}  // namespace tulle::sidecar::overload
