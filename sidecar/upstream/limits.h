#pragma once

#include <chrono>
#include <cstddef>

namespace tulle::sidecar::upstream {

// An idle connection is closed by us well before the peer would do so, since a request that meets a closing
// connection may be lost. The peer sidecar keeps its side for much longer; an app may close after a few
// seconds.
inline constexpr auto kPeerIdle = std::chrono::seconds(60);
inline constexpr auto kAppIdle = std::chrono::seconds(2);
inline constexpr size_t kMaxIdlePerHost = 1024;

// Shared connections to one endpoint for one purpose. With so many streams on the least used one, another is
// made as long as there are fewer than the most.
inline constexpr size_t kCrowdedSession = 256;
inline constexpr size_t kMaxSessions = 4;
// A session is left for a new one at that age, so that load spreads again after the far side has grown.
inline constexpr auto kMaxSessionAge = std::chrono::minutes(10);
// A dial goes on beyond the patience of those who wait for it: whoever calls next has it sooner.
inline constexpr auto kSessionDialTime = std::chrono::seconds(5);

// Connections that are being made at a time, and that wait for it; beyond that a call fails. An endpoint that
// does not answer holds its place until its time is out, so there are many. Few are begun in one turn of the
// loop.
inline constexpr size_t kMaxDials = 4096;
inline constexpr size_t kMaxWaitingDials = 4096;
inline constexpr size_t kDialsPerTurn = 32;

}  // namespace tulle::sidecar::upstream
