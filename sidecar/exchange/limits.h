#pragma once

#include <chrono>
#include <cstddef>

namespace tulle::sidecar::exchange {

// Between two requests of a client; the peer side of a pair keeps connections for longer than the pool that
// uses them.
inline constexpr auto kIdleBetweenRequests = std::chrono::minutes(10);
// From the first byte of a head to its last.
inline constexpr auto kHeadTime = std::chrono::seconds(10);
// For the answer to a client that has ended its direction: it may have finished speaking, or left.
inline constexpr auto kAfterHangUp = std::chrono::seconds(10);
// A body that does not move at all.
inline constexpr auto kBodyIdle = std::chrono::minutes(5);
// For a peer to take our last words before the connection is closed.
inline constexpr auto kLinger = std::chrono::seconds(1);
inline constexpr size_t kLingerBytes = 256 << 10;

// Interim responses (1xx) of one request.
inline constexpr int kMaxInterims = 64;

// A request that is to be repeatable is kept until its answer begins, up to this size.
inline constexpr size_t kMaxReplayBytes = 64 << 10;
// Attempts that failed before the request was sent are repeated this often at least, with growing pauses.
inline constexpr int kUnsentAttempts = 5;
inline constexpr auto kFirstPause = std::chrono::milliseconds(10);

// Copies of requests that a worker has in flight; further ones are dropped.
inline constexpr size_t kMaxCopies = 256;
// For a copy to be taken, and then for its answer.
inline constexpr auto kCopyTime = std::chrono::seconds(5);

}  // namespace tulle::sidecar::exchange
