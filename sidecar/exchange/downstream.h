#pragma once

#include <memory>
#include <string>

#include "lib/http/head.h"
#include "lib/http/write.h"
#include "lib/io/buffer.h"
#include "lib/io/stream.h"
#include "lib/mux/frame.h"

namespace tulle::sidecar::exchange {

// The connection on which requests come in: its stream, what was read from it and not yet used, and the
// request at hand.
struct Downstream {
  std::unique_ptr<io::Stream> stream;
  io::Buffer in;
  io::Buffer out;
  mux::Kind kind = mux::Kind::kHttp1;  // what the client speaks: its requests look like HTTP/1.1 here anyway
  bool peer = false;                   // a sidecar; it never ends only its own direction
  bool shared = false;                 // a stream of a connection that others share
  bool last = false;                   // after the request at hand the client is to make a new connection
  // Of the request at hand, when it is gRPC: its client reads a reply of ours in its own terms. A peer
  // sidecar tells its client itself.
  bool grpc = false;
  std::string remembered;
  http::RequestHead head;  // views into `in`; valid until `in` is touched
  size_t head_bytes = 0;   // of the request at hand, still in `in`

  // For records.
  std::string_view protocol() const { return kind == mux::Kind::kHttp2 ? "http2" : "http"; }

  // What became of reading the next request.
  enum class Next { kRequest, kClosed, kBad };
  struct NextResult {
    Next next = Next::kClosed;
    int reply = 400;  // with kBad
    const char* why =
        nullptr;  // with kBad: the words of x-tulle-reason; null when the client cannot be answered
  };
  // Reads the next head. kClosed: the client left between two requests, or `idle_until` passed.
  io::Task<NextResult> ReadHead(io::TimePoint idle_until);

  // Keeps of the head what a record of the request needs when it is over; the views last until the next head.
  void Remember(std::string_view& method, std::string_view& host, std::string_view& path);

  // Writes a reply of our own. False when the client is gone.
  io::Task<bool> Reply(http::LocalReply reply);
};

}  // namespace tulle::sidecar::exchange
