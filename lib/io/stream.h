#pragma once

#include <memory>
#include <span>

#include "lib/io/buffer.h"
#include "lib/io/socket.h"

namespace tulle::io {

struct ReadAwaiter;
struct ReadIntoAwaiter;
struct WriteAwaiter;

// A connected byte stream: plain TCP, TLS over it (lib/tls), or one of many that share a connection (lib/mux,
// lib/http2). Owned by one coroutine at a time for each
// direction; used on its loop's thread only.
class Stream {
 public:
  virtual ~Stream() = default;

  // No waiting, one system call at most; kAgain = wait for readiness. TryWrite may keep bytes that the kernel
  // would not take yet: what it reports as written is ours to deliver, and TryFlush says whether all of it is
  // gone.
  virtual IoResult TryRead(std::span<char> into) = 0;
  virtual IoResult TryWrite(std::span<const char> from) = 0;
  virtual IoResult TryFlush() { return {}; }

  // Tells the peer that nothing more comes (TLS: close_notify, then FIN). Where the kernel cannot take that
  // now, it goes with the next flush: a Write of nothing waits for it.
  virtual void ShutdownWrite() = 0;
  // Bytes may be waiting inside, so that TryRead can succeed without readiness of the socket.
  virtual bool buffered() const { return false; }

  virtual Readiness& readiness() = 0;

  // At least one byte, or an error: kEof at the end, kTimedOut at the socket's deadline.
  ReadAwaiter Read(std::span<char> into);
  // The same, behind what `into` holds, whose block it gives back while there is nothing to hold: who waits
  // for long holds no memory. `limit` as for Buffer::Space.
  ReadIntoAwaiter ReadInto(Buffer& into, size_t limit = Buffer::kBlockBytes);
  // All of `from`, handed to the kernel; result.bytes is its size then. `from` must stay until it is done.
  WriteAwaiter Write(std::span<const char> from);
};

// What the two ways of reading have in common.
struct AwaitBytes : public Waiter {
  explicit AwaitBytes(Stream& stream) : stream_(stream) {}
  bool await_ready() { return Poll(); }
  void await_suspend(std::coroutine_handle<> handle) { Hold(handle); }
  IoResult await_resume() const { return result_; }

 protected:
  // Whether `got` is what the reader gets to hear; it waits on if not.
  bool Settles(IoResult got) {
    result_ = got;
    if (got.error != Error::kAgain) return true;
    if (stream_.readiness().expired()) {
      result_.error = Error::kTimedOut;
      return true;
    }
    stream_.readiness().AwaitReadable(*this);
    return false;
  }

  Stream& stream_;

 private:
  IoResult result_;
};

struct ReadAwaiter final : public AwaitBytes {
  ReadAwaiter(Stream& stream, std::span<char> into) : AwaitBytes(stream), into_(into) {}
  bool Poll() override { return Settles(stream_.TryRead(into_)); }

 private:
  std::span<char> into_;
};

struct ReadIntoAwaiter final : public AwaitBytes {
  ReadIntoAwaiter(Stream& stream, Buffer& into, size_t limit)
      : AwaitBytes(stream), into_(into), limit_(limit) {}

  bool Poll() override {
    const IoResult got = stream_.TryRead(into_.Space(limit_));
    if (got.ok()) into_.Commit(got.bytes);
    if (got.error == Error::kAgain) into_.Release();
    return Settles(got);
  }

 private:
  Buffer& into_;
  size_t limit_;
};

struct WriteAwaiter final : public Waiter {
  WriteAwaiter(Stream& stream, std::span<const char> from) : stream_(stream), from_(from) {}
  bool await_ready() { return Poll(); }
  void await_suspend(std::coroutine_handle<> handle) { Hold(handle); }
  IoResult await_resume() const { return result_; }

  bool Poll() override {
    while (written_ < from_.size()) {
      const IoResult step = stream_.TryWrite(from_.subspan(written_));
      if (!step.ok()) return Stopped(step.error);
      written_ += step.bytes;
    }
    const IoResult flushed = stream_.TryFlush();
    if (!flushed.ok()) return Stopped(flushed.error);
    result_ = {written_, Error::kNone};
    return true;
  }

 private:
  bool Stopped(Error error) {
    if (error == Error::kAgain && !stream_.readiness().expired()) {
      stream_.readiness().AwaitWritable(*this);
      return false;
    }
    result_ = {0, error == Error::kAgain ? Error::kTimedOut : error};
    return true;
  }

  Stream& stream_;
  std::span<const char> from_;
  size_t written_ = 0;
  IoResult result_;
};

inline ReadAwaiter Stream::Read(std::span<char> into) { return ReadAwaiter(*this, into); }
inline ReadIntoAwaiter Stream::ReadInto(Buffer& into, size_t limit) {
  return ReadIntoAwaiter(*this, into, limit);
}
inline WriteAwaiter Stream::Write(std::span<const char> from) { return WriteAwaiter(*this, from); }

// Plain TCP.
class PlainStream final : public Stream {
 public:
  explicit PlainStream(std::unique_ptr<Socket> socket) : socket_(std::move(socket)) {}

  IoResult TryRead(std::span<char> into) override { return socket_->TryRead(into); }
  IoResult TryWrite(std::span<const char> from) override { return socket_->TryWrite(from); }
  void ShutdownWrite() override { socket_->ShutdownWrite(); }
  Readiness& readiness() override { return *socket_; }
  Socket& socket() { return *socket_; }
  // For a handover to TLS after a peek.
  std::unique_ptr<Socket> Release() { return std::move(socket_); }

 private:
  std::unique_ptr<Socket> socket_;
};

// Ends a connection whose peer may still be sending, so that it gets to read our last words: stops writing,
// then reads and drops up to `bytes` until the peer closes or `limit` passes. A stream that is to be reset
// has no last words: it closes at once.
Task<void> CloseSoftly(std::unique_ptr<Stream> stream, Duration limit, size_t bytes);

}  // namespace tulle::io
