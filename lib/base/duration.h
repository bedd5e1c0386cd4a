#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace tulle::base {

using Duration = std::chrono::nanoseconds;

// Reads the duration notation of Kubernetes and the Gateway API (GEP-2257): "1h30m", "2s", "250ms". Units h,
// m, s and ms; whole numbers only; nothing negative.
Result<Duration> ParseDuration(std::string_view text);

// The shortest notation that ParseDuration reads back to the same value (rounded to whole milliseconds).
std::string PrintDuration(Duration value);

}  // namespace tulle::base
