#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "lib/io/buffer.h"

// The wire of a connection that many streams share. Each side sends frames, one after the other:
//
//   u8 type, u24 bytes of payload, u32 stream     (big endian), then the payload
//
// The side that opened the connection opens the streams, numbered 1, 2, 3, … in that order.
namespace tulle::mux {

enum class FrameType : uint8_t {
  kData = 0,    // content
  kOpen = 1,    // u8 kind: a new stream; only from the side that opened the connection
  kEnd = 2,     // nothing more in this direction
  kReset = 3,   // u8 ResetReason: the stream is gone in both directions
  kCredit = 4,  // u32 bytes: the receiver has made room for so many more
  kLeave = 5,   // of the connection, stream 0: open no more streams here
};

// What a stream carries, so that the far side knows what to speak to the app.
enum class Kind : uint8_t { kHttp1 = 1, kHttp2 = 2, kTcp = 3 };

enum class ResetReason : uint8_t { kBroken = 0, kUnprocessed = 1 };

inline constexpr size_t kFrameHeadBytes = 8;

struct FrameHead {
  FrameType type;
  uint32_t bytes = 0;
  uint32_t stream = 0;
};

void AppendFrameHead(io::Buffer& out, FrameType type, uint32_t bytes, uint32_t stream);
void AppendU32(io::Buffer& out, uint32_t value);

enum class ReadStatus { kDone, kNeedMore, kBad };
// The frame at the start of `data`: `payload` is all of it. kBad: a type, size or stream that no peer of ours
// sends.
ReadStatus ReadFrame(std::string_view data, FrameHead& head, std::string_view& payload);
uint32_t ReadU32(std::string_view bytes);

}  // namespace tulle::mux
