#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "lib/http2/client.h"
#include "lib/io/event.h"
#include "lib/io/stream.h"
#include "lib/mux/session.h"
#include "sidecar/upstream/dialer.h"

namespace tulle::sidecar::upstream {

// One connection that many calls share: to a peer sidecar, or to an app that speaks HTTP/2.
class Session {
 public:
  explicit Session(io::TimePoint now) : since_(now), busy_at_(now) {}
  virtual ~Session() = default;

  // Until the connection ends. Somebody holds the session for as long as this runs.
  virtual io::Task<void> Run() = 0;
  // Null when there is no room for another call, now or ever.
  virtual std::unique_ptr<io::Stream> Open(mux::Kind kind) = 0;
  bool usable() const { return room() > 0; }
  // Further calls that it can take now.
  virtual size_t room() const = 0;
  // Not usable yet, but will be.
  virtual bool opening() const { return false; }
  // The far side has spoken the protocol that was expected.
  virtual bool opened() const { return true; }
  // Full for now: a call that ends makes room.
  virtual bool full() const = 0;
  virtual bool ended() const = 0;
  virtual size_t streams() const = 0;
  // Opens no more streams; those that are open go on.
  virtual void Leave() = 0;
  virtual void Close() = 0;
  // Why the far side was thrown out; null where it was not.
  virtual const char* why() const = 0;

  io::TimePoint since() const { return since_; }
  io::TimePoint busy_at() const { return busy_at_; }
  void BusyAt(io::TimePoint now) { busy_at_ = now; }

 private:
  io::TimePoint since_;
  io::TimePoint busy_at_;  // when streams were last seen
};

// To a peer sidecar.
class MuxSession final : public Session {
 public:
  MuxSession(std::unique_ptr<io::Stream> transport, io::Event& room, io::TimePoint now)
      : Session(now), mux_(std::move(transport), [&room](size_t streams) { room.NotifySome(streams); }) {}

  io::Task<void> Run() override { return mux_.Run(); }
  std::unique_ptr<io::Stream> Open(mux::Kind kind) override { return mux_.Open(kind); }
  size_t room() const override { return mux_.room(); }
  bool full() const override { return mux_.full(); }
  bool ended() const override { return mux_.ended(); }
  size_t streams() const override { return mux_.streams(); }
  void Leave() override { mux_.Leave(); }
  void Close() override { mux_.Close(); }
  const char* why() const override { return mux_.why(); }

 private:
  mux::Session mux_;
};

// To an app that speaks HTTP/2.
class Http2Session final : public Session {
 public:
  Http2Session(std::unique_ptr<io::Stream> transport, const http2::Limits& limits, io::Event& room,
               io::TimePoint now)
      : Session(now),
        http2_(std::move(transport), limits, [&room](size_t streams) { room.NotifySome(streams); }) {}

  io::Task<void> Run() override { return http2_.Run(); }
  std::unique_ptr<io::Stream> Open(mux::Kind) override { return http2_.Open(); }
  size_t room() const override { return http2_.room(); }
  bool opening() const override { return http2_.opening(); }
  bool opened() const override { return http2_.greeted(); }
  bool full() const override { return http2_.full(); }
  bool ended() const override { return http2_.ended(); }
  size_t streams() const override { return http2_.streams(); }
  void Leave() override { http2_.Leave(); }
  void Close() override { http2_.Close(); }
  const char* why() const override { return http2_.why(); }

 private:
  http2::ClientSession http2_;
};

// The sessions to one endpoint that serve one purpose, and the dial for another one if there is one going on:
// however many calls find no session, one connection is made for all of them.
struct Sessions {
  explicit Sessions(io::Loop& loop) : changed(loop) {}

  // The least used one that can take a call, or null.
  Session* Usable() const;
  // One of them is about to become usable.
  bool opening() const;
  // Those that take calls, now or soon.
  size_t count() const;
  // To wait for `changed` may help.
  bool hopeful() const;
  // Lets go of what has ended, is idle for longer than `idle_limit`, or too old.
  void Sweep(io::TimePoint now, io::Duration idle_limit);

  std::vector<std::shared_ptr<Session>> all;
  bool dialing = false;
  std::optional<DialFailure> failure;  // of the last dial
  // A dial has failed, a session has ended, or one has room again: then as many are woken as have room.
  io::Event changed;
};

}  // namespace tulle::sidecar::upstream
