#include "lib/io/socket.h"

#include <linux/netfilter_ipv4.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "lib/io/limits.h"

namespace tulle::io {
namespace {

constexpr int kIp6OriginalDestination = 80;  // IP6T_SO_ORIGINAL_DST

void SetOption(int fd, int level, int name, int value) { setsockopt(fd, level, name, &value, sizeof value); }

int Seconds(std::chrono::seconds duration) { return static_cast<int>(duration.count()); }

void KeepAlive(int fd) {
  SetOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  SetOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, Seconds(kPeerSilence));
  SetOption(fd, IPPROTO_TCP, TCP_KEEPINTVL, Seconds(kPeerAskAgain));
  SetOption(fd, IPPROTO_TCP, TCP_KEEPCNT, static_cast<int>(kPeerSilence / kPeerAskAgain));
}

base::Failure SystemFailure(const std::string& what) { return {what + ": " + std::strerror(errno)}; }

}  // namespace

Error ErrorFromErrno(int value) {
  switch (value) {
    case EAGAIN:
      return Error::kAgain;
    case ECONNRESET:
    case EPIPE:
      return Error::kReset;
    case ECONNREFUSED:
      return Error::kRefused;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
      return Error::kUnreachable;
    case ETIMEDOUT:
      return Error::kTimedOut;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EADDRNOTAVAIL:
      return Error::kNoDescriptors;
    default:
      return Error::kOther;
  }
}

Socket::Socket(Loop& loop, int fd) : Readiness(loop), fd_(fd) { loop.Watch(fd_, this); }

Socket::~Socket() {
  loop().Unwatch(fd_, this);
  close(fd_);
}

IoResult Socket::TryRead(std::span<char> into) {
  if (!readable_) return {0, Error::kAgain};
  const ssize_t got = recv(fd_, into.data(), into.size(), 0);
  if (got > 0) {
    // A short read means that the kernel had no more; new data makes a new edge. The end of the stream has an
    // edge of its own, which may be the one we just consumed.
    if (static_cast<size_t>(got) < into.size() && !hung_up()) readable_ = false;
    return {static_cast<size_t>(got), Error::kNone};
  }
  if (got == 0) return {0, Error::kEof};
  if (errno == EAGAIN) readable_ = false;
  return {0, errno == EINTR ? Error::kAgain : ErrorFromErrno(errno)};
}

bool Socket::PeekAwaiter::Poll() {
  const ssize_t got = recv(socket_.fd_, into_.data(), into_.size(), MSG_PEEK);
  const auto bytes = static_cast<size_t>(got > 0 ? got : 0);
  if (bytes > more_than_ || (bytes > 0 && bytes == into_.size())) {
    result_ = {bytes, Error::kNone};
    return true;
  }
  if (got == 0 || (bytes > 0 && socket_.hung_up())) {
    result_ = {0, Error::kEof};
    return true;
  }
  if (got < 0 && errno != EAGAIN && errno != EINTR) {
    result_ = {0, ErrorFromErrno(errno)};
    return true;
  }
  if (socket_.expired()) {
    result_ = {0, Error::kTimedOut};
    return true;
  }
  socket_.AwaitReadable(*this);
  return false;
}

IoResult Socket::TryWrite(std::span<const char> from) {
  if (!writable_) return {0, Error::kAgain};
  const ssize_t put = send(fd_, from.data(), from.size(), MSG_NOSIGNAL);
  if (put >= 0) {
    if (static_cast<size_t>(put) < from.size()) writable_ = false;
    return {static_cast<size_t>(put), Error::kNone};
  }
  if (errno == EAGAIN) writable_ = false;
  return {0, ErrorFromErrno(errno)};
}

void Socket::OnEvents(uint32_t events) {
  const bool broken = (events & (EPOLLHUP | EPOLLERR)) != 0;
  if (broken || (events & EPOLLRDHUP)) HungUp(broken);
  if (events & EPOLLIN) Readable();
  if (events & EPOLLOUT) Writable();
}

void Socket::ShutdownWrite() { shutdown(fd_, SHUT_WR); }

void Socket::ResetOnClose() {
  Readiness::ResetOnClose();
  const linger hard{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
}

void Socket::NoticeLoss(bool always_reads) {
  KeepAlive(fd_);
  if (always_reads) SetOption(fd_, IPPROTO_TCP, TCP_USER_TIMEOUT, Seconds(kPeerSilence) * 1000);
}

base::Result<std::unique_ptr<Listener>> Listener::Open(Loop& loop, const SocketAddress& address,
                                                       Options options) {
  const std::string what = "listen on " + address.Text();
  const int fd = socket(address.is_v6() ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return SystemFailure(what);
  auto listener = std::unique_ptr<Listener>(new Listener(loop, fd));
  SetOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  KeepAlive(fd);  // which accepted connections inherit
  if (options.reuse_port) SetOption(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  if (address.is_v6()) SetOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  sockaddr_storage storage;
  const socklen_t length = address.Fill(storage);
  if (bind(fd, reinterpret_cast<sockaddr*>(&storage), length) != 0) return SystemFailure(what);
  if (listen(fd, options.backlog) != 0) return SystemFailure(what);
  loop.Watch(fd, listener.get());
  return listener;
}

Listener::~Listener() { Close(); }

void Listener::Close() {
  if (fd_ < 0) return;
  loop_.Unwatch(fd_, this);
  close(fd_);
  fd_ = -1;
}

SocketAddress Listener::address() const { return LocalAddress(fd_); }

void Listener::OnEvents(uint32_t) {
  while (Waiter* waiter = acceptors_.PopFront()) loop_.Ready(*waiter);
}

Listener::Accepted Listener::TryAccept() {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  const int fd = accept4(fd_, reinterpret_cast<sockaddr*>(&storage), &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) {
    const bool nothing = errno == EAGAIN || errno == ECONNABORTED || errno == EINTR || fd_ < 0;
    return {-1, nothing ? Error::kAgain : ErrorFromErrno(errno), {}};
  }
  SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  return {fd, Error::kNone, SocketAddress::From(storage)};
}

bool Listener::TurnAway() {
  const int fd = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
  if (fd < 0) return false;
  const linger hard{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  close(fd);
  return true;
}

bool Listener::AcceptAwaiter::Poll() {
  result_ = listener_.TryAccept();
  if (result_.error != Error::kAgain) return true;
  listener_.acceptors_.PushBack(*this);
  return false;
}

namespace {

struct ConnectAwaiter final : public Waiter {
  explicit ConnectAwaiter(Socket& socket) : socket_(socket) {}
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    Hold(handle);
    socket_.AwaitWritable(*this);
  }
  void await_resume() const {}

 private:
  Socket& socket_;
};

}  // namespace

Task<base::Result<std::unique_ptr<Socket>, Error>> Connect(Loop& loop, SocketAddress address,
                                                           TimePoint deadline) {
  const int fd = socket(address.is_v6() ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) co_return ErrorFromErrno(errno);
  SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  sockaddr_storage storage;
  const socklen_t length = address.Fill(storage);
  const int outcome = connect(fd, reinterpret_cast<sockaddr*>(&storage), length);
  if (outcome != 0 && errno != EINPROGRESS) {
    const Error error = ErrorFromErrno(errno);
    close(fd);
    co_return error == Error::kAgain ? Error::kNoDescriptors : error;
  }
  auto connection = std::make_unique<Socket>(loop, fd);
  if (outcome != 0) {
    connection->SetDeadline(deadline);
    ConnectAwaiter connected(*connection);
    co_await connected;
    if (connection->expired()) co_return Error::kTimedOut;
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) co_return ErrorFromErrno(error);
    connection->SetDeadline(kNever);
  }
  co_return std::move(connection);
}

SocketAddress LocalAddress(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length);
  return SocketAddress::From(storage);
}

SocketAddress PeerAddress(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &length);
  return SocketAddress::From(storage);
}

std::optional<SocketAddress> OriginalDestination(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (getsockopt(fd, SOL_IP, SO_ORIGINAL_DST, &storage, &length) != 0) {
    length = sizeof storage;
    if (getsockopt(fd, SOL_IPV6, kIp6OriginalDestination, &storage, &length) != 0) return std::nullopt;
  }
  const SocketAddress original = SocketAddress::From(storage);
  if (original == LocalAddress(fd)) return std::nullopt;
  return original;
}

}  // namespace tulle::io
