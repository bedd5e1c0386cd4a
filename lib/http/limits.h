#pragma once

#include <cstddef>

// Bounds of HTTP/1 messages. What goes beyond is refused with a reason of its own.
namespace tulle::http {

inline constexpr size_t kMaxHeadBytes = 60 << 10;
inline constexpr size_t kMaxHeaders = 100;
inline constexpr size_t kMaxChunkLineBytes = 512;  // size, extensions and line end of one chunk
inline constexpr size_t kMaxTrailerBytes = 8 << 10;

}  // namespace tulle::http
