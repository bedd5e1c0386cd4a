#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tulle::io {

// An IPv4 or IPv6 address with a port. IPv4 in IPv6 (::ffff:a.b.c.d) is IPv4 here.
class SocketAddress {
 public:
  SocketAddress() = default;

  // `ip` without brackets. Nothing where it is no address.
  static std::optional<SocketAddress> Parse(std::string_view ip, uint16_t port);
  // "1.2.3.4:80" or "[::1]:80".
  static std::optional<SocketAddress> ParseWithPort(std::string_view text);
  static SocketAddress From(const sockaddr_storage& storage);

  bool is_v6() const { return v6_; }
  uint16_t port() const { return port_; }
  SocketAddress WithPort(uint16_t port) const {
    SocketAddress other = *this;
    other.port_ = port;
    return other;
  }
  bool IsLoopback() const;

  socklen_t Fill(sockaddr_storage& storage) const;
  std::string Ip() const;
  std::string Text() const;

  auto operator<=>(const SocketAddress&) const = default;

  struct Hash {
    size_t operator()(const SocketAddress& address) const;
  };

 private:
  std::array<uint8_t, 16> bytes_{};
  uint16_t port_ = 0;
  bool v6_ = false;
};

}  // namespace tulle::io
