#pragma once

#include <memory>
#include <optional>
#include <span>

#include "lib/base/result.h"
#include "lib/io/address.h"
#include "lib/io/error.h"
#include "lib/io/readiness.h"

namespace tulle::io {

// One connected TCP socket on a loop. Owned by whoever made it; used on its loop's thread only; closed by its
// destructor.
class Socket final : public Readiness, private Watcher {
 public:
  // Takes ownership of `fd`, which must be non-blocking.
  Socket(Loop& loop, int fd);
  ~Socket() override;

  // One system call at most; kAgain without any when the kernel has nothing for us.
  IoResult TryRead(std::span<char> into);
  IoResult TryWrite(std::span<const char> from);

  // co_await socket.Peek(into): the first bytes that wait here, without taking them; an error as Read gives
  // it.
  struct PeekAwaiter;
  PeekAwaiter Peek(std::span<char> into, size_t more_than = 0);

  // No more writing; the peer sees the end of our direction.
  void ShutdownWrite();
  void ResetOnClose() override;

  // The kernel notices when the peer has vanished without a word: while nothing is under way, and with
  // `always_reads` also while the peer owes us acknowledgements. Not for a peer that may stop reading for a
  // while: to the kernel that looks the same.
  void NoticeLoss(bool always_reads);

  int fd() const { return fd_; }

 private:
  void OnEvents(uint32_t epoll_events) override;

  int fd_;
};

// Done when more than `more_than` bytes wait, or `into` is full, or no more can come.
struct Socket::PeekAwaiter final : public Waiter {
  PeekAwaiter(Socket& socket, std::span<char> into, size_t more_than)
      : socket_(socket), into_(into), more_than_(more_than) {}
  bool await_ready() { return Poll(); }
  void await_suspend(std::coroutine_handle<> handle) { Hold(handle); }
  IoResult await_resume() const { return result_; }
  bool Poll() override;

 private:
  Socket& socket_;
  std::span<char> into_;
  size_t more_than_;
  IoResult result_;
};

inline Socket::PeekAwaiter Socket::Peek(std::span<char> into, size_t more_than) {
  return PeekAwaiter(*this, into, more_than);
}

// A listening socket. Each accepted connection is non-blocking, has TCP_NODELAY, and
// notices a lost peer while nothing is under way.
class Listener final : private Watcher {
 public:
  struct Options {
    int backlog = 4096;
    bool reuse_port = false;
  };
  static base::Result<std::unique_ptr<Listener>> Open(Loop& loop, const SocketAddress& address,
                                                      Options options);
  ~Listener() override;

  struct Accepted {
    int fd = -1;  // the caller's to close; -1 with `error`
    Error error = Error::kNone;
    SocketAddress peer;
  };
  struct AcceptAwaiter;
  AcceptAwaiter Accept();

  // Takes one connection that waits and resets it. False when there was none, or no descriptor for it.
  bool TurnAway();

  SocketAddress address() const;
  // Accepts no more; connections that the kernel has queued are reset.
  void Close();

 private:
  Listener(Loop& loop, int fd) : loop_(loop), fd_(fd) {}
  void OnEvents(uint32_t epoll_events) override;
  Accepted TryAccept();

  Loop& loop_;
  int fd_;
  List<Waiter> acceptors_;
};

struct Listener::AcceptAwaiter final : public Waiter {
  explicit AcceptAwaiter(Listener& listener) : listener_(listener) {}
  bool await_ready() { return Poll(); }
  void await_suspend(std::coroutine_handle<> handle) { Hold(handle); }
  Accepted await_resume() const { return result_; }
  bool Poll() override;

 private:
  Listener& listener_;
  Accepted result_;
};

inline Listener::AcceptAwaiter Listener::Accept() { return AcceptAwaiter(*this); }

// A connected TCP socket with TCP_NODELAY, or why not: kTimedOut after `deadline`.
Task<base::Result<std::unique_ptr<Socket>, Error>> Connect(Loop& loop, SocketAddress address,
                                                           TimePoint deadline);

// The local and the remote address of a connection; the address to which the app meant to connect, before a
// redirect rule of the kernel sent it here (SO_ORIGINAL_DST). Nothing where there was no redirect.
SocketAddress LocalAddress(int fd);
SocketAddress PeerAddress(int fd);
std::optional<SocketAddress> OriginalDestination(int fd);

}  // namespace tulle::io
