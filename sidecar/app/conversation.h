#pragma once

#include <memory>

#include "lib/http2/limits.h"
#include "lib/mux/frame.h"
#include "sidecar/app/first_bytes.h"
#include "sidecar/app/worker.h"
#include "sidecar/exchange/downstream.h"

namespace tulle::sidecar::app {

// A connection that came in, whichever of the two directions it belongs to: who calls and whom is fixed for
// its life. What is the same in both directions lies here; what they do with a request is theirs. Lives as
// long as the last of the streams that share the connection.
class Conversation : public std::enable_shared_from_this<Conversation> {
 public:
  // `peer`: a sidecar calls.
  Conversation(Worker& worker, meshconfig::Protocol declared, bool peer)
      : worker_(worker), declared_(declared), peer_(peer) {}
  virtual ~Conversation() = default;

  // One request whose head was read. False: nothing more can be read there.
  virtual io::Task<bool> ServeRequest(exchange::Downstream& downstream) = 0;
  // A connection whose bytes are not looked at. With `undecided`, only until the client speaks HTTP after
  // all: what it speaks, then, and nothing has happened yet.
  virtual io::Task<Spoken> ServeOpaque(exchange::Downstream& downstream, bool undecided) = 0;
  virtual telemetry::Record StartRecord(std::string_view protocol) const = 0;

  // Everything that comes on `downstream`, which speaks `spoken` as far as is known.
  io::Task<void> Serve(exchange::Downstream downstream, Spoken spoken);
  // All requests of a connection that speaks HTTP/2; `kind`: what its clients speak.
  io::Task<void> ServeHttp2(exchange::Downstream downstream, const http2::Limits& limits, mux::Kind kind);
  // All streams of a connection from a peer sidecar.
  io::Task<void> ServeMux(std::unique_ptr<io::Stream> transport);

 protected:
  // What the far app is spoken to in: as it declares, or as its client speaks. An upgrade is HTTP/1.1's own.
  mux::Kind KindFor(const exchange::Downstream& downstream) const;

  Worker& worker_;
  meshconfig::Protocol declared_;

 private:
  io::Task<bool> AwaitClient(exchange::Downstream& downstream);
  io::Task<void> ServeHttp(exchange::Downstream& downstream);
  io::Task<exchange::Downstream::NextResult> AwaitHead(exchange::Downstream& downstream);
  io::Task<void> Refuse(exchange::Downstream& downstream, const exchange::Downstream::NextResult& bad);
  io::Task<void> RefuseRequest(exchange::Downstream& downstream, overload::Limit limit);
  void ServeStream(std::unique_ptr<io::Stream> stream, mux::Kind kind);

  const bool peer_;
};

}  // namespace tulle::sidecar::app
