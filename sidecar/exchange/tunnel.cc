#include "sidecar/exchange/tunnel.h"

namespace tulle::sidecar::exchange {
namespace {

struct Direction {
  uint64_t bytes = 0;
  io::Error error = io::Error::kNone;
  bool refused = false;
};

// On an error wakes whoever waits on the other connection, so that the other direction ends as well.
io::Task<void> Carry(Side from, Side to, Direction& direction, detect::Overheard* overheard) {
  for (;;) {
    if (!from.in.empty()) {
      const std::string_view held = from.in.view();
      if (overheard != nullptr && !overheard->Hear(held)) {
        direction.refused = true;
        direction.error = io::Error::kOther;
        break;
      }
      const io::IoResult written = co_await to.stream.Write(held);
      if (!written.ok()) {
        direction.error = written.error;
        break;
      }
      direction.bytes += held.size();
      from.in.Clear();
    }
    const io::IoResult got = co_await from.stream.ReadInto(from.in, io::Buffer::kBulkBytes);
    if (got.error == io::Error::kEof) {
      to.stream.ShutdownWrite();
      const std::string_view nothing;
      co_await to.stream.Write(nothing);
      co_return;
    }
    if (!got.ok()) {
      direction.error = got.error;
      break;
    }
  }
  from.stream.readiness().Expire();
  to.stream.readiness().Expire();
}

}  // namespace

io::Task<TunnelResult> Tunnel(Side downstream, Side upstream, detect::Overheard* overheard) {
  downstream.stream.readiness().SetDeadline(io::kNever);
  upstream.stream.readiness().SetDeadline(io::kNever);
  Direction up, down;
  io::Task<void> upward = Carry(downstream, upstream, up, overheard);
  upward.Start();
  co_await Carry(upstream, downstream, down, nullptr);
  co_await std::move(upward);
  TunnelResult result{up.bytes, down.bytes, up.error != io::Error::kNone ? up.error : down.error, up.refused};
  if (result.error != io::Error::kNone) {
    downstream.stream.readiness().ResetOnClose();
    upstream.stream.readiness().ResetOnClose();
  }
  co_return result;
}

}  // namespace tulle::sidecar::exchange
