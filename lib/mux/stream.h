#pragma once

#include "lib/io/buffer.h"
#include "lib/io/frame_pool.h"
#include "lib/io/stream.h"
#include "lib/mux/frame.h"
#include "lib/mux/limits.h"

namespace tulle::mux {

class Session;

// One of the streams of a connection. To destroy it before both directions have ended resets it at the peer.
class Stream final : public io::Stream, private io::Readiness {
 public:
  Stream(Session& session, io::Loop& loop, uint32_t id) : Readiness(loop), session_(&session), id_(id) {
    readable_ = false;
  }
  ~Stream() override;

  io::IoResult TryRead(std::span<char> into) override;
  io::IoResult TryWrite(std::span<const char> from) override;
  void ShutdownWrite() override;
  bool buffered() const override { return !in_.empty(); }
  io::Readiness& readiness() override { return *this; }

  static void* operator new(size_t bytes) { return io::AllocateFrame(bytes); }
  static void operator delete(void* stream, size_t bytes) noexcept { io::FreeFrame(stream, bytes); }

 private:
  friend class Session;

  // What the peer sent. False when it is more than it may send.
  bool Received(std::string_view payload);
  bool Credited(uint32_t bytes);
  void PeerEnded();
  void Broken(io::Error error);
  void WakeWriters() { Writable(); }
  void Retire() { HungUp(false); }

  Session* session_;  // null once the stream or the session is over
  uint32_t id_;
  io::Buffer in_;
  uint32_t window_ = kStreamWindow;  // what the peer may still send
  uint32_t consumed_ = 0;            // read since the last credit
  uint32_t credit_ = kStreamWindow;  // what we may still send
  bool peer_ended_ = false;
  bool we_ended_ = false;
  io::Error error_ = io::Error::kNone;
};

}  // namespace tulle::mux
