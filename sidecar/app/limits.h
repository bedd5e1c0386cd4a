#pragma once

#include <chrono>
#include <cstddef>

namespace tulle::sidecar::app {

// Connections that came in, both directions together; half of what the file descriptors allow when that is
// less.
inline constexpr size_t kMaxDownstreamConnections = 20000;

// A client-first protocol has spoken by then; a connection that has not is taken for a server-first one.
inline constexpr auto kDetectTime = std::chrono::milliseconds(100);
// From the first byte of a connection until its bytes say what it speaks.
inline constexpr auto kRequestLineTime = std::chrono::seconds(1);
// How long a client of a port that may be server-first has to begin the handshake of a peer sidecar. Longer
// than it takes a busy machine to get from connect to its first byte.
inline constexpr auto kSilentClientTime = std::chrono::seconds(1);
// For the TLS handshake of a peer.
inline constexpr auto kHandshakeTime = std::chrono::seconds(10);

// For the operator's answer what an address stands for: while it can be reached, and while it cannot.
inline constexpr auto kResolveTime = std::chrono::seconds(2);
inline constexpr auto kResolveTimeAlone = std::chrono::milliseconds(50);

// Attempts to connect for one opaque connection.
inline constexpr int kTcpAttempts = 4;
inline constexpr auto kAppConnectTime = std::chrono::seconds(2);

inline constexpr auto kSweepEvery = std::chrono::seconds(1);

// After SIGTERM: at least so long to answer those who have not heard yet that we go, at most so long for what
// is in flight.
inline constexpr auto kDrainAtLeast = std::chrono::seconds(1);
inline constexpr auto kDrainAtMost = std::chrono::seconds(25);

}  // namespace tulle::sidecar::app
