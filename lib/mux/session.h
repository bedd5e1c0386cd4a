#pragma once

#include <functional>
#include <memory>
#include <unordered_map>

#include "lib/io/buffer.h"
#include "lib/io/flusher.h"
#include "lib/io/stream.h"
#include "lib/mux/frame.h"

namespace tulle::mux {

class Stream;

enum class Side { kClient, kServer };

// One connection between two sidecars and the streams that share it. What all streams write during a turn of
// the loop leaves in one piece at its end. The connection is read at all times: a stream that is not read
// holds at most its window and stops nobody else, so no order of reading and writing can lock up.
//
// Whoever owns a session runs Run() for as long as it lives and destroys it only after Run() ended, or
// together with it. Streams may outlive it; they are broken then.
class Session {
 public:
  using OnStream = std::function<void(std::unique_ptr<io::Stream> stream, Kind kind)>;
  using Room = std::function<void(size_t streams)>;

  // The side that opens streams, and is told through `room` when there is room for so many more of them, or
  // when somebody else has to make room; the other one is told of each stream by `on_stream`, which may start
  // a coroutine but must not destroy the session, and by `on_refused` of each that was one too many.
  explicit Session(std::unique_ptr<io::Stream> transport, Room room = {});
  Session(std::unique_ptr<io::Stream> transport, OnStream on_stream, std::function<void()> on_refused = {});
  ~Session();

  // Reads until the connection ends or its peer breaks the rules; then every stream is broken.
  io::Task<void> Run();

  // Null when no stream can be opened here: the connection has ended, is being left, or is full.
  std::unique_ptr<io::Stream> Open(Kind kind);
  bool usable() const { return room() > 0; }
  bool full() const;
  // Streams that can be opened.
  size_t room() const;
  size_t streams() const { return streams_.size(); }
  bool ended() const { return ended_; }

  // Asks the peer to open no more streams; those that are open go on.
  void Leave();
  // Ends the connection as soon as Run gets its turn.
  void Close();

  // Why the peer was thrown out: "mux/frame"; null where it was not.
  const char* why() const { return why_; }

 private:
  friend class Stream;
  friend class io::Flusher<Session>;

  io::Loop& loop() { return transport_->readiness().loop(); }
  void ScheduleFlush() { loop().AtEndOfTurn(flusher_); }
  void Flush();
  bool backlogged() const;
  bool TakeFrames();
  bool Take(const FrameHead& head, std::string_view payload);
  bool CountFrame(FrameType type);
  bool TakeOpen(uint32_t id, std::string_view payload);
  bool Bad(const char* why);
  void MarkLeaving();
  void Send(FrameType type, uint32_t stream);
  void SendReset(uint32_t stream, ResetReason reason);
  void SendCredit(uint32_t stream, uint32_t bytes);
  void SendData(uint32_t stream, std::string_view payload);
  void Forget(uint32_t stream);
  void End();

  std::unique_ptr<io::Stream> transport_;
  const Side side_;
  OnStream on_stream_;
  std::function<void()> on_refused_;
  Room room_;
  io::Flusher<Session> flusher_;
  io::Buffer in_;
  io::Buffer out_;
  bool starved_ = false;  // some stream waits for the backlog to go
  bool leaving_ = false;
  bool ended_ = false;
  const char* why_ = nullptr;
  uint32_t last_id_ = 0;
  uint32_t idle_frames_ = 0;  // since idle_since_
  io::TimePoint idle_since_{};
  std::unordered_map<uint32_t, Stream*> streams_;
};

}  // namespace tulle::mux
