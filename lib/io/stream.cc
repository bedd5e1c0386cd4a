#include "lib/io/stream.h"

#include <array>

namespace tulle::io {

Task<void> CloseSoftly(std::unique_ptr<Stream> stream, Duration limit, size_t bytes) {
  stream->ShutdownWrite();
  stream->socket().SetDeadline(Clock::now() + limit);
  std::array<char, 2048> dropped;
  size_t seen = 0;
  while (seen < bytes) {
    const std::span<char> into(dropped);
    const IoResult got = co_await stream->Read(into);
    if (!got.ok()) break;
    seen += got.bytes;
  }
}

}  // namespace tulle::io
