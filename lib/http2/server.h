#pragma once

#include <memory>

#include "lib/http2/session.h"

namespace tulle::http2 {

// A connection on which the peer makes requests. Each of them is an io::Stream from which one HTTP/1.1
// request is read, its body chunked where its length was not given, and to which one HTTP/1.1 response is
// written. The response may begin before the request has ended. When it was written whole, reads give kEof;
// until then they wait when the request has ended. Destroying a stream before that, or after ResetOnClose,
// resets it.
//
// Requests that HTTP/2 itself forbids are reset; CONNECT and heads beyond the limits are answered; everything
// else is for the reader to refuse, in text that holds no surprise (http::ParseRequestHead).
class ServerSession final : public Session {
 public:
  // `already_read`: what was read from `transport` so far, the client's preface included.
  ServerSession(std::unique_ptr<io::Stream> transport, io::Buffer already_read, const Limits& limits = {});
  ~ServerSession() override;

  // co_await session.Next(): the next request, null when the session has ended. For one coroutine at a time.
  struct NextAwaiter;
  NextAwaiter Next();

  // Announces the end, and after a round trip names the last request that is served (RFC 9113 section 6.8).
  void Leave() override;

 private:
  enum class Leaving { kNo, kAnnounced, kSaid };

  class LeaveTimer final : public io::Timer {
   public:
    LeaveTimer(io::Loop& loop, ServerSession& session) : io::Timer(loop), session_(session) {}

   private:
    void OnTimer() override { session_.SayLast(); }
    ServerSession& session_;
  };

  void OnHead(Stream& stream, bool ended) override;
  void OnPingAnswer() override { SayLast(); }
  void OnEnded() override;
  http::ParseResult ParseHead(Stream& stream, std::string_view text) override;
  const http::Head& head() const override { return head_; }
  bool interim() const override { return head_.interim(); }
  bool Submit(Stream& stream, bool ended) override;

  void Answer(Stream& stream, int status, const char* why);
  void SayLast();
  void WakeNext();

  io::List<StreamEnd> waiting_;  // owned: requests that nobody has taken yet
  io::List<io::Waiter> takers_;
  http::ResponseHead head_;  // the one that is being written
  Leaving leaving_ = Leaving::kNo;
  LeaveTimer leave_timer_;
};

struct ServerSession::NextAwaiter final : public io::Waiter {
  explicit NextAwaiter(ServerSession& session) : session_(session) {}
  bool await_ready() { return Poll(); }
  void await_suspend(std::coroutine_handle<> handle) { Hold(handle); }
  std::unique_ptr<io::Stream> await_resume() { return std::move(result_); }
  bool Poll() override;

 private:
  ServerSession& session_;
  std::unique_ptr<io::Stream> result_;
};

inline ServerSession::NextAwaiter ServerSession::Next() { return NextAwaiter(*this); }

}  // namespace tulle::http2
