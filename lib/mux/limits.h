#pragma once

#include <cstddef>
#include <cstdint>

namespace tulle::mux {

// Content of one frame: with its head it fills one TLS record of ours.
inline constexpr size_t kMaxPayload = (15 << 10) - 8;
// So much is sent at once, without waiting for the end of the turn.
inline constexpr size_t kFlushBytes = 30 << 10;
// What a stream may have in flight or unread at its receiver, who is bound to hold it. A reader that does not
// read stops its own stream at this and nobody else: the connection itself is always read.
inline constexpr uint32_t kStreamWindow = 128 << 10;
// Streams that are open at a time; one more is reset as unprocessed.
inline constexpr size_t kMaxStreams = 1024;
// Bytes that wait for the kernel; while there are more, streams take nothing from their writers.
inline constexpr size_t kMaxBacklog = 64 << 10;
// What waits for a peer that does not read, control frames included; beyond it the connection ends.
inline constexpr size_t kMaxOutBytes = 1 << 20;
// Frames in a second that carry no content and that no content answers.
inline constexpr uint32_t kMaxIdleFrames = 16384;
// Bytes taken from a connection before others have their turn.
inline constexpr size_t kBytesPerTurn = 256 << 10;

}  // namespace tulle::mux
