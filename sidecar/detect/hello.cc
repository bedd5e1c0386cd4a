#include "sidecar/detect/hello.h"

#include <algorithm>
#include <cstdint>

#include "sidecar/detect/fields.h"

namespace tulle::sidecar::detect {
namespace {

constexpr size_t kMaxHelloBytes = 16 << 10;
constexpr size_t kRecordHeaderBytes = 5;
constexpr size_t kMessageHeaderBytes = 4;
constexpr uint8_t kHandshake = 22;
constexpr uint8_t kVersionMajor = 3;
constexpr uint8_t kClientHello = 1;
constexpr uint16_t kServerNameExtension = 0;
constexpr uint16_t kAlpnExtension = 16;
constexpr uint8_t kHostName = 0;
constexpr size_t kMaxNameBytes = 255;

bool IsHostName(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
  };
  return !name.empty() && name.size() <= kMaxNameBytes && std::all_of(name.begin(), name.end(), fits);
}

// RFC 7301 section 3.1.
bool ReadAlpn(std::string_view extension, std::vector<std::string>& names) {
  names.clear();
  Fields fields(extension);
  Fields list(fields.Vector(2));
  while (!list.empty()) names.emplace_back(list.Vector(1));
  return fields.ok() && list.ok();
}

// RFC 6066 section 3.
bool ReadServerName(std::string_view extension, std::string& server_name) {
  Fields fields(extension);
  Fields list(fields.Vector(2));
  while (!list.empty()) {
    const uint32_t type = list.Number(1);
    const std::string_view name = list.Vector(2);
    if (type == kHostName && IsHostName(name)) server_name = name;
  }
  return fields.ok() && list.ok();
}

// The body of a ClientHello message (RFC 8446 section 4.1.2).
Hello ReadClientHello(std::string_view body) {
  const Hello not_tls{Hello::Kind::kNotTls, {}, {}};
  Hello hello{Hello::Kind::kTls, {}, {}};
  Fields fields(body);
  fields.Take(2 + 32);  // version, random
  fields.Vector(1);     // session id
  fields.Vector(2);     // cipher suites
  fields.Vector(1);     // compression methods
  Fields extensions(fields.empty() ? std::string_view() : fields.Vector(2));
  if (!fields.ok()) return not_tls;
  while (!extensions.empty()) {
    const uint32_t type = extensions.Number(2);
    const std::string_view extension = extensions.Vector(2);
    if (!extensions.ok()) return not_tls;
    if (type == kAlpnExtension && !ReadAlpn(extension, hello.alpn)) return not_tls;
    if (type == kServerNameExtension && !ReadServerName(extension, hello.server_name)) return not_tls;
  }
  return hello;
}

enum class Record { kPart, kWhole, kNone };

// Takes what there is of the record at the start of `bytes`.
Record TakeRecord(std::string_view& bytes, std::string_view& content) {
  const auto may_be = [&](size_t at, uint8_t byte) {
    return bytes.size() <= at || static_cast<uint8_t>(bytes[at]) == byte;
  };
  if (!may_be(0, kHandshake) || !may_be(1, kVersionMajor)) return Record::kNone;
  if (bytes.size() < kRecordHeaderBytes) return Record::kPart;
  const size_t size = Fields(bytes.substr(3)).Number(2);
  if (size == 0 || size > kMaxHelloBytes) return Record::kNone;
  bytes.remove_prefix(kRecordHeaderBytes);
  content = bytes.substr(0, size);
  bytes.remove_prefix(content.size());
  return content.size() == size ? Record::kWhole : Record::kPart;
}

}  // namespace

Hello ReadHello(std::string_view bytes) {
  const Hello not_tls{Hello::Kind::kNotTls, {}, {}};
  const bool all = bytes.size() >= kMaxHelloBytes;
  bytes = bytes.substr(0, kMaxHelloBytes);
  std::string message;  // out of its records
  for (Record record = Record::kWhole; record == Record::kWhole;) {
    std::string_view content;
    record = TakeRecord(bytes, content);
    if (record == Record::kNone) return not_tls;
    message += content;
    if (!message.empty() && static_cast<uint8_t>(message[0]) != kClientHello) return not_tls;
    if (message.size() < kMessageHeaderBytes) continue;
    Fields fields(std::string_view(message).substr(1));
    const size_t body_bytes = fields.Number(3);
    if (body_bytes > kMaxHelloBytes) return not_tls;
    const std::string_view body = fields.Take(body_bytes);
    if (fields.ok()) return ReadClientHello(body);
  }
  return all ? not_tls : Hello{};
}

}  // namespace tulle::sidecar::detect
