#include <cstddef>
#include <cstdint>
#include <vector>

#include "fuzz/wire.h"
#include "lib/mux/limits.h"
#include "lib/mux/session.h"

namespace {

using namespace tulle;
using fuzz::Require;

// Reads to the end and answers with what it read; some streams go early, some are never read.
io::Task<void> ServeOne(std::unique_ptr<io::Stream> stream, size_t number) {
  std::string space(1 + number * 37 % 5000, '\0');
  size_t heard = 0;
  while (number % 4 != 3) {
    const std::span<char> into(space);
    const io::IoResult got = co_await stream->Read(into);
    if (!got.ok()) break;
    heard += got.bytes;
    const std::string_view answer(space.data(), got.bytes);
    co_await stream->Write(answer);
    if (number % 4 == 2) co_return;
  }
  if (number % 4 == 3) co_await fuzz::TheLoop().Yield();
  stream->ShutdownWrite();
}

io::Task<void> Run(std::shared_ptr<fuzz::Pipe> in) {
  size_t opened = 0;
  mux::Session session(
      std::make_unique<fuzz::MemoryStream>(in, nullptr),
      [&opened](std::unique_ptr<io::Stream> stream, mux::Kind kind) {
        Require(kind == mux::Kind::kHttp1 || kind == mux::Kind::kHttp2 || kind == mux::Kind::kTcp);
        fuzz::TheLoop().Spawn(ServeOne(std::move(stream), opened++));
      });
  co_await session.Run();
  Require(session.ended() && session.streams() == 0);
}

}  // namespace

// What a peer sends on a connection that many streams share.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto in = std::make_shared<fuzz::Pipe>();
  in->bytes.assign(reinterpret_cast<const char*>(data), size);
  in->piece = size % 3 == 0 ? SIZE_MAX : 1 + size % 40;
  in->ended = true;
  fuzz::Do(Run(in));
  return 0;
}
