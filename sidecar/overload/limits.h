#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace tulle::sidecar::overload {

// Shares of the memory limit at which a level begins. It ends so much below, so that it does not flicker.
inline constexpr uint64_t kTightPercent = 85;
inline constexpr uint64_t kFullPercent = 92;
inline constexpr uint64_t kCriticalPercent = 95;
inline constexpr uint64_t kEasePercent = 2;

// How often usage is looked at: in quiet times, and from kWatchPercent on.
inline constexpr auto kLookEvery = std::chrono::seconds(1);
inline constexpr auto kLookOftenEvery = std::chrono::milliseconds(100);
inline constexpr uint64_t kWatchPercent = 70;
// Under pressure free memory of the allocator goes back to the system, this often at most.
inline constexpr auto kTrimEvery = std::chrono::seconds(2);

// File descriptors that we ask for where the hard limit allows more; that are not for connections, or a
// quarter of all where that is less; below which the sidecar does not call itself ready.
inline constexpr uint64_t kMaxDescriptors = 1 << 20;
inline constexpr uint64_t kReserveDescriptors = 64;
inline constexpr uint64_t kLeastDescriptors = 256;

}  // namespace tulle::sidecar::overload
