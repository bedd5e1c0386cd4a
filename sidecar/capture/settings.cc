#include "sidecar/capture/settings.h"

#include <arpa/inet.h>

#include <array>
#include <charconv>
#include <optional>

namespace tulle::sidecar::capture {
namespace {

std::optional<uint64_t> ParseNumber(std::string_view text) {
  uint64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string_view Trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\n") - first + 1);
}

base::Failure Bad(std::string_view text, std::string_view why) {
  return {"'" + std::string(text) + "' " + std::string(why)};
}

template <class T, class Parse>
base::Result<std::vector<T>> ParseList(std::string_view text, Parse parse) {
  std::vector<T> items;
  if (Trim(text).empty()) return items;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t comma = std::min(text.find(',', begin), text.size());
    auto item = parse(Trim(text.substr(begin, comma - begin)));
    if (!item) return item.failure();
    items.push_back(*std::move(item));
    begin = comma + 1;
  }
  return items;
}

void ClearHostBits(uint8_t* address, size_t bytes, size_t prefix) {
  for (size_t i = 0; i < bytes; ++i) {
    const size_t kept = prefix <= i * 8 ? 0 : std::min<size_t>(8, prefix - i * 8);
    address[i] &= static_cast<uint8_t>(0xff00 >> kept);
  }
}

}  // namespace

base::Result<uint16_t> ParsePort(std::string_view text) {
  const auto number = ParseNumber(text);
  if (!number || *number == 0 || *number > 65535)
    return Bad(text, "is not a port (a number from 1 to 65535)");
  return static_cast<uint16_t>(*number);
}

base::Result<uid_t> ParseUid(std::string_view text) {
  const auto number = ParseNumber(text);
  if (!number || *number == 0 || *number >= 0xffffffff) {
    return Bad(text, "is not a uid for the proxy (a number above 0: root's traffic is the app's too)");
  }
  return static_cast<uid_t>(*number);
}

base::Result<std::vector<uint16_t>> ParsePorts(std::string_view text) {
  return ParseList<uint16_t>(text, ParsePort);
}

base::Result<Cidr> ParseCidr(std::string_view text) {
  const size_t slash = std::min(text.find('/'), text.size());
  const std::string host(text.substr(0, slash));
  const Family family = host.find(':') == std::string::npos ? Family::kIpv4 : Family::kIpv6;
  const int domain = family == Family::kIpv4 ? AF_INET : AF_INET6;
  const size_t bytes = family == Family::kIpv4 ? 4 : 16;

  std::array<uint8_t, 16> address{};
  if (inet_pton(domain, host.c_str(), address.data()) != 1) {
    return Bad(text, "is not an address range (like 10.0.0.0/8 or fd00::/8)");
  }
  const auto prefix = slash == text.size() ? bytes * 8 : ParseNumber(text.substr(slash + 1));
  if (!prefix || *prefix > bytes * 8) {
    return Bad(text, "has a prefix length outside 0 to " + std::to_string(bytes * 8));
  }
  ClearHostBits(address.data(), bytes, *prefix);
  std::array<char, INET6_ADDRSTRLEN> printed{};
  inet_ntop(domain, address.data(), printed.data(), printed.size());
  return Cidr{family, std::string(printed.data()) + "/" + std::to_string(*prefix)};
}

base::Result<std::vector<Cidr>> ParseCidrs(std::string_view text) { return ParseList<Cidr>(text, ParseCidr); }

}  // namespace tulle::sidecar::capture
