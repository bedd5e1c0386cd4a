#pragma once

#include <nghttp2/nghttp2.h>

#include <memory>
#include <string_view>

#include "lib/http2/convert.h"
#include "lib/http2/guard.h"
#include "lib/http2/limits.h"
#include "lib/http2/stream.h"
#include "lib/io/flusher.h"
#include "lib/io/loop.h"

namespace tulle::http2 {

// What both ends of an HTTP/2 connection have in common. It reads its transport at all times, except while
// more control frames wait for a peer that does not read than anybody needs; what all streams write during a
// turn of the loop leaves together at its end. nghttp2 is never called from within one of its own callbacks,
// and nothing in a callback destroys the session: those who wait for a stream are resumed later, by the loop.
//
// Whoever owns a session runs Run() for as long as it lives and destroys it only after Run() ended, or
// together with it. Streams may outlive it; those that were not complete are broken then.
class Session {
 public:
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  virtual ~Session();

  // Reads until the connection ends, its peer breaks the rules, or its last stream ends after Leave; then
  // everything is broken that was not complete.
  io::Task<void> Run();

  size_t streams() const { return stream_count_; }
  bool ended() const { return ended_; }
  // No new streams; those that are open go on, and Run ends when they have.
  virtual void Leave() = 0;
  // Ends the connection as soon as Run gets its turn.
  void Close();

  // Why the peer was thrown out: "http2/rapid-reset"; null where it was not.
  const char* why() const { return why_; }

  // Of the transport, for deadlines; null once Run has ended.
  io::Readiness* readiness() { return transport_ == nullptr ? nullptr : &transport_->readiness(); }

 protected:
  Session(std::unique_ptr<io::Stream> transport, io::Buffer already_read, const Limits& limits, bool client);

  // Called from within nghttp2: a whole field block for `stream`, of the kind that comes next there.
  virtual void OnHead(Stream& stream, bool ended) = 0;
  virtual void OnPingAnswer() {}
  virtual void OnSettings() {}
  virtual void OnForgotten() {}
  virtual void OnEnded() {}
  // Our part of the exchange as fields, from the head at the start of `text`.
  virtual http::ParseResult ParseHead(Stream& stream, std::string_view text) = 0;
  virtual const http::Head& head() const = 0;
  virtual bool interim() const { return false; }
  virtual bool Submit(Stream& stream, bool ended) = 0;

  Stream* NewStream(int32_t id);
  void Forget(Stream& stream);
  void OnTrailers(Stream& stream);
  void Reset(Stream& stream, uint32_t code);
  void ScheduleFlush();
  void Check(int outcome);
  io::Loop& loop() { return loop_; }
  nghttp2_session* h2() const { return h2_; }
  FieldBlock& block() { return block_; }
  FieldList& fields() { return fields_; }
  Guard& guard() { return guard_; }
  bool wants_nothing() const;
  // What nghttp2 takes content from, for nghttp2_submit_request and _response.
  static nghttp2_data_provider ContentOf(Stream& stream);

 private:
  friend class Stream;
  friend class io::Flusher<Session>;
  friend struct Callbacks;

  struct ReadAwaiter;

  void Feed(std::string_view bytes);
  void Flush();
  bool Gather();
  bool backlogged() const;
  void Condemn(const char* why);
  // The peer was told that it broke the rules; nghttp2 has found that out where nobody else did.
  void Blame();
  void End();
  void ResumeSending(int32_t id);
  // Of the content of all streams so much more, or less, waits for its reader.
  void Unread(size_t bytes) { unread_ += bytes; }
  void Read(size_t bytes);
  // The connection's window grows by what has come, at once if it may.
  void Received(size_t bytes);
  void Consumed(int32_t id, size_t bytes);

  io::Loop& loop_;
  std::unique_ptr<io::Stream> transport_;
  const bool client_;
  io::Buffer already_read_;
  io::Flusher<Session> flusher_;
  Guard guard_;
  nghttp2_session* h2_ = nullptr;
  io::Buffer out_;
  bool ended_ = false;
  bool paused_ = false;    // nghttp2 has more DATA than there was room for
  bool dying_ = false;     // the peer has been told to go: nothing is waited for any more
  bool stopping_ = false;  // Run is to end
  const char* why_ = nullptr;
  FieldBlock block_;
  FieldList fields_;
  io::List<Stream> streams_;
  size_t stream_count_ = 0;
  const size_t most_unread_;
  size_t unread_ = 0;
  size_t owed_ = 0;  // to the connection's window
};

}  // namespace tulle::http2
