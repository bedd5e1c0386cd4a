#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "lib/http/limits.h"

// Bounds of HTTP/2 connections. A peer that goes beyond one of those that are meant against abuse is told
// ENHANCE_YOUR_CALM and the connection ends with the reason that Session::why() gives.
namespace tulle::http2 {

// Of what a stream has received and its reader has not taken. The connection's window is larger and is given
// back at once, so that a stream that is not read stops nobody else.
inline constexpr uint32_t kStreamWindowBytes = 64 << 10;

// What differs between kinds of peers.
struct Limits {
  uint32_t max_streams = 100;  // of the peer, at a time
  // Streams that are reset, by the peer or by us because they break the rules, at once and per second.
  double reset_burst = 200;
  double resets_per_second = 33;
  uint32_t stream_window = kStreamWindowBytes;
  // What all streams together may hold unread before the connection's window is kept back, so that a peer
  // with very many streams is bounded all the same. Then a stream that is not read may stop another.
  size_t unread = SIZE_MAX;
};

// Between sidecars.
inline constexpr Limits kPeerLimits{.max_streams = 256, .reset_burst = 1024, .resets_per_second = 256};

// Of the app with its own sidecar: some have one connection for all of their calls, and give up all of them
// at once.
inline constexpr Limits kOwnAppLimits{
    .max_streams = 1000, .reset_burst = 2000, .resets_per_second = 330, .unread = 8 << 20};

inline constexpr uint32_t kConnectionWindowBytes = 1 << 20;
// Of what a stream was given to send and the peer's window has not let go.
inline constexpr size_t kStreamQueueBytes = 16 << 10;
// Frames gathered for one write of the transport; fits one block of a Buffer and one TLS record.
inline constexpr size_t kGatherBytes = 15 << 10;
// No DATA frame is begun with less room than this.
inline constexpr size_t kLeastDataBytes = 2 << 10;

inline constexpr uint32_t kHpackTableBytes = 4096;
inline constexpr size_t kMaxHeaderListBytes = http::kMaxHeadBytes;
inline constexpr size_t kExcessiveHeaderListBytes = 8 * kMaxHeaderListBytes;
inline constexpr int kMaxContinuations = 8;  // frames after HEADERS
inline constexpr size_t kMaxSettings = 32;   // entries of one frame
inline constexpr size_t kMaxQueuedAcks = 400;
// Control frames that wait because the peer does not read; beyond that it is not read either.
inline constexpr size_t kMaxQueuedFrames = 1000;
inline constexpr int kMaxInterims = 64;  // 1xx responses of one request

// A new connection that has sent more requests than this and reset more than half of them.
inline constexpr uint32_t kRapidResetRequests = 500;
inline constexpr auto kRapidResetTime = std::chrono::seconds(1);

// Frames that carry nothing: PING, SETTINGS, PRIORITY, WINDOW_UPDATE, empty DATA, unknown types. Requests and
// sent DATA, which are reasons for such frames, earn some.
inline constexpr double kIdleFrameBurst = 2000;
inline constexpr double kIdleFramesPerSecond = 330;
inline constexpr double kIdleFramesPerRequest = 10;
inline constexpr double kIdleFramesPerData = 3;
inline constexpr size_t kWorthyDataBytes = 512;  // what a client must let us send at a time for that

// Reads of the transport before others on the loop get their turn.
inline constexpr int kReadsPerTurn = 8;
// Between the announcement of the end and the last stream (RFC 9113 section 6.8), where no PING is answered.
inline constexpr auto kLeaveTime = std::chrono::seconds(1);
// For the peer to take our last words.
inline constexpr auto kLinger = std::chrono::seconds(1);
inline constexpr size_t kLingerBytes = 64 << 10;

}  // namespace tulle::http2
