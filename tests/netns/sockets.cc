#include "tests/netns/sockets.h"

#include <arpa/inet.h>
#include <linux/netfilter_ipv4.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace tulle::netns {
namespace {

constexpr int kConnectTimeoutMs = 1000;

struct Address {
  sockaddr_storage storage{};
  socklen_t length = sizeof(sockaddr_storage);

  sockaddr* raw() { return reinterpret_cast<sockaddr*>(&storage); }
};

Address Make(bool ipv6, const std::string& text, uint16_t port) {
  Address address;
  if (ipv6) {
    auto* in6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port);
    inet_pton(AF_INET6, text.c_str(), &in6->sin6_addr);
    address.length = sizeof(*in6);
  } else {
    auto* in = reinterpret_cast<sockaddr_in*>(&address.storage);
    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    inet_pton(AF_INET, text.c_str(), &in->sin_addr);
    address.length = sizeof(*in);
  }
  return address;
}

std::string PrintAddress(const Address& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.storage.ss_family == AF_INET6) {
    const auto* in6 = reinterpret_cast<const sockaddr_in6*>(&address.storage);
    inet_ntop(AF_INET6, &in6->sin6_addr, text.data(), text.size());
    return Print(text.data(), ntohs(in6->sin6_port));
  }
  const auto* in = reinterpret_cast<const sockaddr_in*>(&address.storage);
  inet_ntop(AF_INET, &in->sin_addr, text.data(), text.size());
  return Print(text.data(), ntohs(in->sin_port));
}

int Open(bool ipv6) {
  const int fd = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) throw std::runtime_error(std::string("socket: ") + std::strerror(errno));
  return fd;
}

}  // namespace

std::string Print(const std::string& address, uint16_t port) {
  const bool ipv6 = address.find(':') != std::string::npos;
  return (ipv6 ? "[" + address + "]" : address) + ":" + std::to_string(port);
}

Listener::Listener(bool ipv6, uint16_t port) : ipv6_(ipv6), fd_(Open(ipv6)) {
  const int on = 1;
  setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (ipv6) setsockopt(fd_, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
  Address any = Make(ipv6, ipv6 ? "::" : "0.0.0.0", port);
  if (bind(fd_, any.raw(), any.length) != 0 || listen(fd_, 16) != 0) {
    throw std::runtime_error("listen on port " + std::to_string(port) + ": " + std::strerror(errno));
  }
}

Listener::~Listener() { close(fd_); }

std::optional<std::string> Listener::NextOriginalDestination() {
  const int connection = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
  if (connection < 0) return std::nullopt;
  Address original;
  // Both families use the number 80 for it (IP6T_SO_ORIGINAL_DST clashes with <netinet/in.h> when included).
  if (getsockopt(connection, ipv6_ ? SOL_IPV6 : SOL_IP, SO_ORIGINAL_DST, original.raw(), &original.length) !=
      0) {
    original.length = sizeof(sockaddr_storage);
    getsockname(connection, original.raw(), &original.length);
  }
  close(connection);
  return PrintAddress(original);
}

bool Connect(const std::string& text, uint16_t port, uint32_t uid) {
  // The owner match looks at who opened the socket's file: the filesystem uid of this thread.
  setfsuid(uid);
  const bool ipv6 = text.find(':') != std::string::npos;
  const int fd = Open(ipv6);
  setfsuid(0);
  Address address = Make(ipv6, text, port);
  int error = connect(fd, address.raw(), address.length) == 0 ? 0 : errno;
  if (error == EINPROGRESS) {
    pollfd wait{fd, POLLOUT, 0};
    socklen_t length = sizeof(error);
    if (poll(&wait, 1, kConnectTimeoutMs) == 1) getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
  }
  close(fd);
  return error == 0;
}

}  // namespace tulle::netns
