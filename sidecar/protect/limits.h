#pragma once

#include <chrono>
#include <cstddef>

namespace tulle::sidecar::protect {

// Keys of one rate limit that have a bucket each, and how much of a key counts. Beyond that, keys share one.
inline constexpr size_t kMaxRateKeys = 4096;
inline constexpr size_t kMaxRateKeyBytes = 256;

// How long an endpoint rests after a connection to it was lost, while there are others.
inline constexpr auto kRest = std::chrono::seconds(1);

}  // namespace tulle::sidecar::protect
