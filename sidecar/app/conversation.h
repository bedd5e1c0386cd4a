#pragma once

#include <memory>

#include "lib/http2/limits.h"
#include "lib/mux/frame.h"
#include "sidecar/app/first_bytes.h"
#include "sidecar/app/worker.h"
#include "sidecar/exchange/downstream.h"
#include "sidecar/exchange/exchange.h"

namespace tulle::sidecar::app {

// A connection that came in, whichever of the two directions it belongs to: who calls and whom is fixed for
// its life. What is the same in both directions lies here; what they do with a request is theirs. Lives as
// long as the last of the streams that share the connection.
class Conversation : public std::enable_shared_from_this<Conversation> {
 public:
  // `peer`: a sidecar calls. `http2`: what the client may do where it speaks HTTP/2.
  Conversation(Worker& worker, meshconfig::Protocol declared, bool peer, const http2::Limits& http2)
      : worker_(worker), declared_(declared), peer_(peer), http2_(http2) {}
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
  // Who speaks first of two that were silent so far, and what. kSilent: nobody, until patience or a
  // connection ended.
  io::Task<Spoken> AwaitSpeaker(exchange::Downstream& downstream, upstream::Connection& up);
  // All that is left to do of an opaque connection: carries its bytes to `up`, and back. With words in
  // `failed` it is not carried (`up` may be null then), and the client's connection is reset.
  io::Task<void> Carry(exchange::Downstream& downstream, upstream::Connection* up, const std::string& failed,
                       telemetry::Record& record, io::TimePoint begun);
  // What there is to say of a request when its exchange is over; `outcome` must outlive the record.
  static void Describe(const exchange::Outcome& outcome, telemetry::Record& record);
  // Of a call that began at `begun`.
  void Finish(telemetry::Record& record, io::TimePoint begun);

  Worker& worker_;
  meshconfig::Protocol declared_;

 private:
  io::Task<bool> AwaitClient(exchange::Downstream& downstream);
  io::Task<void> ServeHttp(exchange::Downstream& downstream);
  io::Task<exchange::Downstream::NextResult> AwaitHead(exchange::Downstream& downstream);
  io::Task<void> Refuse(exchange::Downstream& downstream, const exchange::Downstream::NextResult& bad);
  io::Task<void> RefuseRequest(exchange::Downstream& downstream, overload::Limit limit);
  void RefuseOpaque(exchange::Downstream& downstream, overload::Limit limit);
  void ServeStream(std::unique_ptr<io::Stream> stream, mux::Kind kind);

  // Of the whole connection; `why` null: there is nothing to say.
  void ReportThrownOut(std::string_view protocol, const char* why);

  const bool peer_;
  const http2::Limits& http2_;
};

}  // namespace tulle::sidecar::app
