#pragma once

#include <cstdint>

#include "lib/io/buffer.h"
#include "lib/io/stream.h"
#include "sidecar/detect/overheard.h"

namespace tulle::sidecar::exchange {

struct Side {
  io::Stream& stream;
  io::Buffer& in;  // bytes of it that were read already and go first
};

struct TunnelResult {
  uint64_t bytes_up = 0;  // from `downstream` to `upstream`
  uint64_t bytes_down = 0;
  io::Error error = io::Error::kNone;  // kNone: both directions ended in good order
  bool refused = false;                // `overheard` did not let `downstream` go on
};

// Carries bytes both ways until both directions have ended. The end of one direction is passed on as such
// (half-close); an error of one ends both with a reset, so that no side mistakes it for a clean end. A side
// that does not read stops the other from being read. `overheard`, where it is not null, hears what comes
// from `downstream` and must stay until the end.
io::Task<TunnelResult> Tunnel(Side downstream, Side upstream, detect::Overheard* overheard);

}  // namespace tulle::sidecar::exchange
