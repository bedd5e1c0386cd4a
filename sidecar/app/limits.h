#pragma once

#include <chrono>
#include <cstddef>

namespace tulle::sidecar::app {

// Connections that came in, both directions together; half of what the file descriptors allow when that is
// less. The workers share them evenly.
inline constexpr size_t kMaxDownstreamConnections = 20000;
// Connections beyond that are reset; so many at a time are read for a request, to answer it with the reason.
inline constexpr size_t kMaxTurnedAway = 16;
inline constexpr auto kTurnAwayTime = std::chrono::seconds(1);
// New connections that one worker takes before others on its loop get their turn.
inline constexpr size_t kAcceptsPerTurn = 32;
// Without descriptors: until it is tried again, and how often idle connections are let go for it.
inline constexpr auto kNoDescriptorPause = std::chrono::milliseconds(20);
inline constexpr auto kRelieveEvery = std::chrono::milliseconds(100);

// Requests in flight on one worker.
inline constexpr size_t kMaxRequests = 10000;
// Requests of one connection; then its client makes a new one, and whatever leaks with age ends.
inline constexpr size_t kMaxRequestsPerConnection = 100000;

// A client-first protocol has spoken by then; a connection that has not is taken for a server-first one.
inline constexpr auto kDetectTime = std::chrono::milliseconds(100);
// From the first byte of a connection until its bytes say what it speaks.
inline constexpr auto kRequestLineTime = std::chrono::seconds(1);
// How long a client of a port that may be server-first has to begin the handshake of a peer sidecar. Longer
// than it takes a busy machine to get from connect to its first byte.
inline constexpr auto kSilentClientTime = std::chrono::seconds(1);
// The same where nothing but that handshake is let in: whoever is silent for longer is told so by a reset.
inline constexpr auto kSilentStrangerTime = std::chrono::seconds(3);
// For the TLS handshake of a peer, the wait for its turn included.
inline constexpr auto kHandshakeTime = std::chrono::seconds(10);
// Handshakes on one worker: at a time, that wait, that begin in one turn of the loop. Who needs longer than
// kHandshakeStay loses its place when others wait.
inline constexpr size_t kMaxHandshakes = 128;
inline constexpr size_t kMaxWaitingHandshakes = 1024;
inline constexpr size_t kHandshakesPerTurn = 2;
inline constexpr auto kHandshakeStay = std::chrono::milliseconds(500);

// For the operator's answer what an address stands for: while it can be reached, and while it cannot.
inline constexpr auto kResolveTime = std::chrono::seconds(2);
inline constexpr auto kResolveTimeAlone = std::chrono::milliseconds(50);

// Attempts to connect for one opaque connection.
inline constexpr int kTcpAttempts = 4;
inline constexpr auto kAppConnectTime = std::chrono::seconds(2);
// To what is not of the mesh, for an opaque connection.
inline constexpr auto kStrangerConnectTime = std::chrono::seconds(5);

inline constexpr auto kSweepEvery = std::chrono::seconds(1);
// Sweeps between two lines of the log about limits that were hit.
inline constexpr int kSweepsPerNews = 10;
// When memory is full, one in so many of the connections with many streams is asked to leave, each sweep: a
// short peak costs few of them.
inline constexpr size_t kLeaveShare = 10;

// What the caller's sidecar says of its deadline first, it can say in its own words.
inline constexpr auto kAfterCallersDeadline = std::chrono::milliseconds(50);

// Requests that wait in one connection are served so many at a time; then others have their turn.
inline constexpr size_t kRequestsInARow = 64;

// After SIGTERM: at least so long to answer those who have not heard yet that we go, at most so long for what
// is in flight.
inline constexpr auto kDrainAtLeast = std::chrono::seconds(1);
inline constexpr auto kDrainAtMost = std::chrono::seconds(25);

}  // namespace tulle::sidecar::app
