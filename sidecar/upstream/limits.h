#pragma once

#include <chrono>
#include <cstddef>

namespace tulle::sidecar::upstream {

// An idle connection is closed by us well before the peer would do so, since a request that meets a closing
// connection may be lost. The peer sidecar keeps its side for much longer; an app may close after a few
// seconds.
inline constexpr auto kPeerIdle = std::chrono::seconds(60);
inline constexpr auto kAppIdle = std::chrono::seconds(2);
inline constexpr size_t kMaxIdlePerHost = 256;

// How long an endpoint is avoided after a connection to it failed, while there are others.
inline constexpr auto kAvoidAfterFailure = std::chrono::seconds(1);

}  // namespace tulle::sidecar::upstream
