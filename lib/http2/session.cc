#include "lib/http2/session.h"

#include <algorithm>
#include <array>
#include <utility>

#include "lib/http2/callbacks.h"

namespace tulle::http2 {

Session::Session(std::unique_ptr<io::Stream> transport, io::Buffer already_read, const Limits& limits,
                 bool client)
    : loop_(transport->readiness().loop()),
      transport_(std::move(transport)),
      client_(client),
      already_read_(std::move(already_read)),
      flusher_(*this),
      guard_(limits, !client, loop_.now()),
      most_unread_(limits.unread) {
  h2_ = MakeNghttp2(*this, client);
  using Entry = nghttp2_settings_entry;
  // A server leaves the old priorities alone: a tree that a client can have it rebuild at will. Ours of a
  // client has nothing but equals.
  const std::array entries = {
      Entry{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits.stream_window},
      Entry{NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, kHpackTableBytes},
      Entry{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<uint32_t>(kMaxHeaderListBytes)},
      client ? Entry{NGHTTP2_SETTINGS_ENABLE_PUSH, 0}
             : Entry{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.max_streams},
      Entry{NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
  };
  const size_t count = client ? entries.size() - 1 : entries.size();
  Check(nghttp2_submit_settings(h2_, NGHTTP2_FLAG_NONE, entries.data(), count));
  Check(nghttp2_session_set_local_window_size(h2_, NGHTTP2_FLAG_NONE, 0, kConnectionWindowBytes));
  ScheduleFlush();
}

Session::~Session() {
  End();
  nghttp2_session_del(h2_);
}

// Done when there are bytes in the loop's scratch space, or there is an error, or the session is to end.
struct Session::ReadAwaiter final : public io::Waiter {
  ReadAwaiter(Session& session, bool yields) : session_(session), yields_(yields) {}
  bool await_ready() { return !yields_ && Poll(); }
  void await_suspend(std::coroutine_handle<> handle) {
    Hold(handle);
    if (yields_) session_.loop_.Ready(*this);
  }
  io::IoResult await_resume() const { return result_; }

  bool Poll() override {
    io::Readiness& readiness = session_.transport_->readiness();
    result_ = {0, io::Error::kEof};
    if (session_.ended_ || session_.stopping_) return true;
    result_.error = io::Error::kAgain;
    const bool backlogged = session_.backlogged();
    if (!backlogged)
      result_ = session_.transport_->TryRead({session_.loop_.scratch(), io::Loop::kScratchBytes});
    if (result_.error != io::Error::kAgain) return true;
    if (readiness.expired()) {
      result_.error = io::Error::kTimedOut;
      return true;
    }
    if (backlogged) {
      readiness.AwaitWritable(*this);
    } else {
      readiness.AwaitReadable(*this);
    }
    return false;
  }

 private:
  Session& session_;
  bool yields_;
  io::IoResult result_;
};

io::Task<void> Session::Run() {
  if (!already_read_.empty()) Feed(already_read_.view());
  already_read_.Clear();
  already_read_.Release();
  io::IoResult got;
  for (int reads = 1;; ++reads) {
    const bool yields = reads % kReadsPerTurn == 0;
    ReadAwaiter read(*this, yields);
    got = co_await read;
    if (!got.ok()) break;
    Feed({loop_.scratch(), got.bytes});
  }
  const bool last_words = stopping_ && !ended_;
  End();
  std::unique_ptr<io::Stream> transport = std::move(transport_);
  if (last_words) co_await io::CloseSoftly(std::move(transport), kLinger, kLingerBytes);
}

bool Session::backlogged() const {
  return !out_.empty() && nghttp2_session_get_outbound_queue_size(h2_) > kMaxQueuedFrames;
}

bool Session::wants_nothing() const {
  return nghttp2_session_want_read(h2_) == 0 && nghttp2_session_want_write(h2_) == 0;
}

void Session::Feed(std::string_view bytes) {
  if (const char* why = guard_.Look(bytes, loop_.now())) {
    Condemn(why);
  } else {
    const ssize_t taken =
        nghttp2_session_mem_recv(h2_, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
    if (taken < 0) Check(static_cast<int>(taken));
  }
  ScheduleFlush();
}

// `outcome` of an nghttp2 function. What it could not cope with ends the connection.
void Session::Check(int outcome) {
  if (outcome >= 0 || !nghttp2_is_fatal(outcome)) return;
  const bool flood = outcome == NGHTTP2_ERR_FLOODED;
  if (why_ == nullptr) why_ = flood ? "http2/flood" : "http2/protocol";
  const uint32_t code = flood ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_PROTOCOL_ERROR;
  dying_ = true;
  nghttp2_session_terminate_session(h2_, code);
  ScheduleFlush();
}

void Session::Condemn(const char* why) {
  if (why_ != nullptr) return;
  why_ = why;
  dying_ = true;
  nghttp2_session_terminate_session(h2_, NGHTTP2_ENHANCE_YOUR_CALM);
  ScheduleFlush();
}

void Session::Blame() {
  dying_ = true;
  if (why_ == nullptr) why_ = "http2/protocol";
}

void Session::ScheduleFlush() { loop_.AtEndOfTurn(flusher_); }

// Moves frames from nghttp2 to out_ until there is enough for one write. False when there are none left.
bool Session::Gather() {
  while (out_.size() < kGatherBytes) {
    const uint8_t* data = nullptr;
    const ssize_t bytes = nghttp2_session_mem_send(h2_, &data);
    if (bytes < 0) {
      ended_ = true;
      return false;
    }
    if (bytes == 0) return std::exchange(paused_, false);
    out_.Append({reinterpret_cast<const char*>(data), static_cast<size_t>(bytes)});
  }
  return true;
}

void Session::Flush() {
  if (ended_ || transport_ == nullptr) return;
  io::IoResult put;
  for (bool more = true; put.ok();) {
    if (more) more = Gather();
    if (out_.empty()) break;
    const std::string_view bytes = out_.view();
    put = transport_->TryWrite({bytes.data(), bytes.size()});
    out_.Consume(put.bytes);
  }
  out_.Release();
  if (put.ok()) put = transport_->TryFlush();
  io::Readiness& readiness = transport_->readiness();
  if (put.error == io::Error::kAgain) {
    readiness.AwaitWritable(flusher_);
  } else {
    ended_ |= !put.ok();
    stopping_ |= wants_nothing();
  }
  stopping_ |= dying_;
  if (ended_ || stopping_) readiness.Wake();
}

void Session::Close() {
  dying_ = true;
  nghttp2_session_terminate_session(h2_, NGHTTP2_NO_ERROR);
  ScheduleFlush();
}

void Session::End() {
  ended_ = true;
  flusher_.io::TurnHook::Unlink();
  flusher_.io::Waiter::Unlink();
  while (Stream* stream = streams_.PopFront()) {
    stream->Close(stream->unsent() ? io::Error::kUnprocessed : io::Error::kReset);
  }
  stream_count_ = 0;
  out_.Clear();
  out_.Release();
  OnEnded();
}

Stream* Session::NewStream(int32_t id) {
  auto* stream = new Stream(*this, client_, id);
  streams_.PushBack(*stream);
  ++stream_count_;
  return stream;
}

void Session::Forget(Stream& stream) {
  stream.Unlink();
  --stream_count_;
  OnForgotten();
}

void Session::OnTrailers(Stream& stream) { stream.incoming().AddTrailers(block_.lines()); }

void Session::Reset(Stream& stream, uint32_t code) {
  Check(nghttp2_submit_rst_stream(h2_, NGHTTP2_FLAG_NONE, stream.id(), code));
  ScheduleFlush();
}

void Session::ResumeSending(int32_t id) {
  Check(nghttp2_session_resume_data(h2_, id));
  ScheduleFlush();
}

void Session::Read(size_t bytes) {
  unread_ -= bytes;
  if (owed_ > 0 && unread_ < most_unread_) {
    Received(0);
    ScheduleFlush();
  }
}

void Session::Received(size_t bytes) {
  owed_ += bytes;
  if (owed_ == 0 || unread_ >= most_unread_) return;
  Check(nghttp2_session_consume_connection(h2_, std::exchange(owed_, 0)));
}

void Session::Consumed(int32_t id, size_t bytes) {
  Check(nghttp2_session_consume_stream(h2_, id, bytes));
  if (nghttp2_session_want_write(h2_)) ScheduleFlush();
}

}  // namespace tulle::http2
