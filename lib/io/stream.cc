#include "lib/io/stream.h"

#include <array>

namespace tulle::io {

Task<void> CloseSoftly(std::unique_ptr<Stream> stream, Duration limit, size_t bytes) {
  if (stream->readiness().resets_on_close()) co_return;
  stream->readiness().SetDeadline(Clock::now() + limit);
  stream->ShutdownWrite();
  const std::string_view nothing;
  co_await stream->Write(nothing);
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
