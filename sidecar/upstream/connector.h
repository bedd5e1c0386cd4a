#pragma once

#include <functional>
#include <memory>

#include "sidecar/upstream/host.h"

namespace tulle::sidecar::upstream {

// How sidecars speak to each other. Mux is what is used; the others are there to be measured against
// (docs/decisions/005): a pool of HTTP/1.1 connections, and HTTP/2, for requests that are not HTTP/2
// themselves.
enum class PeerFraming { kMux, kHttp1, kHttp2 };

// Gets a connection to an endpoint for one call: a stream of a shared connection where the far side can do
// that, one of its own where it cannot. One per worker.
class Connector {
 public:
  // `broken` is told when a far side was thrown out of a shared connection, and why.
  using Broken = std::function<void(const Host& host, const char* why)>;

  Connector(io::Loop& loop, PeerFraming framing, overload::LimitCounts& limits, Broken broken)
      : loop_(loop), dialer_(loop, limits), framing_(framing), broken_(std::move(broken)) {}

  Dialer& dialer() { return dialer_; }

  // When `host` has nothing idle for `kind`. `host` must stay until the end. kTimedOut when nothing came of
  // it within `timeout`; a connection that comes later serves later calls.
  io::Task<base::Result<std::unique_ptr<Connection>, DialFailure>> Connect(const std::shared_ptr<Host>& host,
                                                                           mux::Kind kind,
                                                                           io::Duration timeout);

 private:
  bool Shares(const Host& host, mux::Kind kind) const;
  io::Task<base::Result<std::unique_ptr<Connection>, DialFailure>> OpenStream(
      const std::shared_ptr<Host>& host, mux::Kind kind, io::Duration timeout);
  io::Task<void> DialSession(std::shared_ptr<Host> host, mux::Kind kind);
  io::Task<void> RunSession(std::shared_ptr<Host> host, std::shared_ptr<Session> session, Sessions& sessions);

  io::Loop& loop_;
  Dialer dialer_;
  PeerFraming framing_;
  Broken broken_;
};

}  // namespace tulle::sidecar::upstream
