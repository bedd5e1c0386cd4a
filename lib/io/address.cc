#include "lib/io/address.h"

#include <arpa/inet.h>

#include <charconv>
#include <cstring>

namespace tulle::io {
namespace {

constexpr uint8_t kMappedPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

std::optional<uint16_t> ParsePort(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return port;
}

}  // namespace

std::optional<SocketAddress> SocketAddress::Parse(std::string_view ip, uint16_t port) {
  const std::string text(ip);
  sockaddr_storage storage{};
  auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
  if (inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
  } else if (inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
  } else {
    return std::nullopt;
  }
  return From(storage);
}

std::optional<SocketAddress> SocketAddress::ParseWithPort(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = ParsePort(text.substr(colon + 1));
  if (!port) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto address = Parse(host, *port);
  if (address && address->is_v6() != bracketed) return std::nullopt;
  return address;
}

SocketAddress SocketAddress::From(const sockaddr_storage& storage) {
  SocketAddress address;
  if (storage.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(storage);
    std::memcpy(address.bytes_.data(), &v4.sin_addr, 4);
    address.port_ = ntohs(v4.sin_port);
  } else if (storage.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage);
    address.port_ = ntohs(v6.sin6_port);
    if (std::memcmp(&v6.sin6_addr, kMappedPrefix, sizeof kMappedPrefix) == 0) {
      std::memcpy(address.bytes_.data(), v6.sin6_addr.s6_addr + 12, 4);
    } else {
      std::memcpy(address.bytes_.data(), &v6.sin6_addr, 16);
      address.v6_ = true;
    }
  }
  return address;
}

bool SocketAddress::IsLoopback() const {
  if (!v6_) return bytes_[0] == 127;
  return std::memcmp(bytes_.data(), &in6addr_loopback, 16) == 0;
}

socklen_t SocketAddress::Fill(sockaddr_storage& storage) const {
  std::memset(&storage, 0, sizeof storage);
  if (v6_) {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port_);
    std::memcpy(&v6.sin6_addr, bytes_.data(), 16);
    return sizeof v6;
  }
  auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port_);
  std::memcpy(&v4.sin_addr, bytes_.data(), 4);
  return sizeof v4;
}

std::string SocketAddress::Ip() const {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(v6_ ? AF_INET6 : AF_INET, bytes_.data(), text, sizeof text);
  return text;
}

std::string SocketAddress::Text() const {
  return (v6_ ? "[" + Ip() + "]" : Ip()) + ":" + std::to_string(port_);
}

size_t SocketAddress::Hash::operator()(const SocketAddress& address) const {
  uint64_t low, high;
  std::memcpy(&low, address.bytes_.data(), 8);
  std::memcpy(&high, address.bytes_.data() + 8, 8);
  uint64_t mixed = (low ^ (high * 0x9e3779b97f4a7c15ull) ^ address.port_) * 0xff51afd7ed558ccdull;
  return mixed ^ (mixed >> 32);
}

}  // namespace tulle::io
