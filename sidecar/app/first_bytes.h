#pragma once

#include "lib/io/buffer.h"
#include "lib/io/stream.h"
#include "lib/meshconfig/types.h"
#include "sidecar/exchange/tunnel.h"

// Which protocol a connection speaks: what was declared first, then what its first bytes say.
namespace tulle::sidecar::app {

enum class Spoken { kHttp, kHttp2, kOpaque, kSilent };
constexpr bool IsHttp(Spoken spoken) { return spoken == Spoken::kHttp || spoken == Spoken::kHttp2; }
constexpr std::string_view Name(Spoken spoken) {
  switch (spoken) {
    case Spoken::kHttp:
      return "http";
    case Spoken::kHttp2:
      return "http2";
    case Spoken::kOpaque:
      return "opaque";
    case Spoken::kSilent:
      return "silent";
  }
  return "silent";
}

// Whether a server on a port that is declared so never speaks before its client.
bool ClientFirst(meshconfig::Protocol declared);

// A short look at the first bytes, which stay in `in`. kSilent: none came, so this is a client that opened
// its connection early, or, where nothing was declared, perhaps a server-first protocol. A port declared HTTP
// yields kOpaque only for what cannot be HTTP to any reader: TLS.
io::Task<Spoken> FirstBytes(io::Stream& stream, io::Buffer& in, meshconfig::Protocol declared);

// For a client that was silent: whoever speaks first decides, so that a request never passes as opaque only
// because it came late. kHttp, kHttp2: the client did; `upstream` has not said a word. kSilent: a side broke
// before either spoke, or the client's stream has expired, at `deadline` or before.
io::Task<Spoken> FirstSpeaker(exchange::Side downstream, exchange::Side upstream,
                              meshconfig::Protocol declared, io::TimePoint deadline);

}  // namespace tulle::sidecar::app
