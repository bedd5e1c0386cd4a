#pragma once

#include <chrono>

namespace tulle::io {

// A peer that says nothing for so long is asked whether it is still there, again and again at the interval,
// and given up after as long a silence once more.
inline constexpr auto kPeerSilence = std::chrono::seconds(20);
inline constexpr auto kPeerAskAgain = std::chrono::seconds(5);

}  // namespace tulle::io
