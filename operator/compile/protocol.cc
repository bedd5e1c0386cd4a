#include "operator/compile/protocol.h"

#include <optional>
#include <string>

namespace tulle::control::compile {
namespace {

using meshconfig::Protocol;

constexpr std::pair<std::string_view, Protocol> kWords[] = {
    {"http", Protocol::kHttp},
    {"kubernetes.io/ws", Protocol::kHttp},
    {"kubernetes.io/h2c", Protocol::kHttp2},
    {"kubernetes.io/wss", Protocol::kTcp},
    {"amqp", Protocol::kTcp},
    {"grpc", Protocol::kHttp2},
    {"h2c", Protocol::kHttp2},
    {"http2", Protocol::kHttp2},
    {"https", Protocol::kTcp},
    {"kafka", Protocol::kTcp},
    {"mongo", Protocol::kTcp},
    {"mongodb", Protocol::kTcp},
    {"mqtt", Protocol::kTcp},
    {"mysql", Protocol::kTcp},
    {"nats", Protocol::kTcp},
    {"postgres", Protocol::kTcp},
    {"postgresql", Protocol::kTcp},
    {"redis", Protocol::kTcp},
    {"smtp", Protocol::kTcp},
    {"ssh", Protocol::kTcp},
    {"tcp", Protocol::kTcp},
    {"tls", Protocol::kTcp},
};

std::optional<Protocol> Known(std::string_view word) {
  std::string lower(word);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  for (const auto& [name, protocol] : kWords) {
    if (name == lower) return protocol;
  }
  return std::nullopt;
}

}  // namespace

Protocol DeclaredProtocol(std::string_view app_protocol, std::string_view port_name) {
  if (const auto known = Known(app_protocol)) return *known;
  return Known(port_name.substr(0, port_name.find('-'))).value_or(Protocol::kDetect);
}

Protocol Agreed(Protocol a, Protocol b) {
  if (a == b || b == Protocol::kDetect) return a;
  return a == Protocol::kDetect ? b : Protocol::kDetect;
}

}  // namespace tulle::control::compile
