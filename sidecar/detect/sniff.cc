#include "sidecar/detect/sniff.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "lib/http/text.h"

namespace tulle::sidecar::detect {
namespace {

constexpr size_t kMaxLineBytes = 8 << 10;
constexpr std::string_view kBlanks = " \t\v\f";  // to one app or another
constexpr size_t kMaxHelloBytes = 16 << 10;
constexpr size_t kRecordHeaderBytes = 5;
constexpr size_t kMessageHeaderBytes = 4;
constexpr uint8_t kHandshake = 22;
constexpr uint8_t kClientHello = 1;
constexpr uint16_t kAlpnExtension = 16;

// Reads big-endian fields; after a read past the end everything is empty and ok() is false.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : bytes_(bytes) {}

  uint32_t Number(size_t size) {
    const std::string_view taken = Take(size);
    uint32_t number = 0;
    for (const char c : taken) number = number << 8 | static_cast<uint8_t>(c);
    return number;
  }
  std::string_view Take(size_t size) {
    if (bytes_.size() < size) {
      ok_ = false;
      bytes_ = {};
      return {};
    }
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }
  // A vector with its length in front.
  std::string_view Vector(size_t length_size) { return Take(Number(length_size)); }
  bool ok() const { return ok_; }
  bool empty() const { return bytes_.empty(); }

 private:
  std::string_view bytes_;
  bool ok_ = true;
};

std::optional<std::vector<std::string>> ReadAlpn(std::string_view extension) {
  std::vector<std::string> names;
  Fields fields(extension);
  Fields list(fields.Vector(2));
  while (!list.empty()) names.emplace_back(list.Vector(1));
  if (!fields.ok() || !list.ok()) return std::nullopt;
  return names;
}

// The body of a ClientHello message (RFC 8446 section 4.1.2).
std::optional<std::vector<std::string>> ReadClientHello(std::string_view body) {
  Fields fields(body);
  fields.Take(2 + 32);  // version, random
  fields.Vector(1);     // session id
  fields.Vector(2);     // cipher suites
  fields.Vector(1);     // compression methods
  Fields extensions(fields.empty() ? std::string_view() : fields.Vector(2));
  if (!fields.ok()) return std::nullopt;
  std::vector<std::string> alpn;
  while (!extensions.empty()) {
    const uint32_t type = extensions.Number(2);
    const std::string_view extension = extensions.Vector(2);
    if (!extensions.ok()) return std::nullopt;
    if (type != kAlpnExtension) continue;
    auto names = ReadAlpn(extension);
    if (!names) return std::nullopt;
    alpn = std::move(*names);
  }
  return alpn;
}

// As methods are written.
bool IsShouted(std::string_view word) {
  return std::all_of(word.begin(), word.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

// " HTTP/" in any case.
bool NamesHttp(std::string_view text) {
  for (size_t at = text.find_first_of(kBlanks); at != std::string_view::npos;
       at = text.find_first_of(kBlanks, at + 1)) {
    if (http::StartsWithIgnoreCase(text.substr(at + 1), "http/")) return true;
  }
  return false;
}

}  // namespace

// A line that some app may read as that of a request: a word, blanks, and further on the name of the
// protocol. Which words and targets apps take for methods and targets differs; what they have in common is
// this.
Spoken SniffPlain(std::string_view bytes) {
  // Apps skip empty lines before a request. What one of them could read as a request is one: the strict
  // parser refuses it then.
  bytes.remove_prefix(std::min(bytes.find_first_not_of("\r\n \t\v\f"), bytes.size()));
  bytes = bytes.substr(0, kMaxLineBytes + 1);  // further bytes change nothing
  if (bytes.starts_with("PRI * HTTP/2.0")) return Spoken::kHttp2;
  if (std::string_view("PRI * HTTP/2.0").starts_with(bytes)) return Spoken::kNeedMore;
  const bool too_long = bytes.size() > kMaxLineBytes;
  size_t word = 0;
  while (word < bytes.size() && http::IsTokenChar(bytes[word])) ++word;
  if (word == bytes.size()) {
    if (too_long) return Spoken::kHttp1;
    return IsShouted(bytes) ? Spoken::kNeedMore : Spoken::kWord;
  }
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\v' || c == '\f'; };
  if (word == 0 || !blank(bytes[word])) return Spoken::kOpaque;

  const size_t target = bytes.find_first_not_of(kBlanks, word);
  if (target == std::string_view::npos) return too_long ? Spoken::kHttp1 : Spoken::kNeedMore;
  const bool form = std::string_view("/*hH").find(bytes[target]) != std::string_view::npos;
  if (IsShouted(bytes.substr(0, word)) && (form || bytes.starts_with("CONNECT"))) return Spoken::kHttp1;
  const size_t end = std::min(bytes.find('\n', target), bytes.size());
  const std::string_view rest = bytes.substr(target, end - target);
  if (NamesHttp(rest)) return Spoken::kHttp1;
  if (end < bytes.size()) return Spoken::kOpaque;
  return too_long ? Spoken::kHttp1 : Spoken::kNeedMore;
}

bool IsHttp2Settings(std::string_view bytes) {
  if (bytes.size() < 9) return false;
  Fields fields(bytes);
  const uint32_t length = fields.Number(3);
  const bool settings = fields.Number(1) == 4 && fields.Number(1) == 0 && fields.Number(4) == 0;
  return settings && length % 6 == 0 && length <= 600;
}

Hello ReadHello(std::string_view bytes) {
  Hello not_tls{Hello::Kind::kNotTls, {}};
  if (bytes.empty()) return {};
  if (static_cast<uint8_t>(bytes[0]) != kHandshake || (bytes.size() > 1 && bytes[1] != 3)) return not_tls;
  if (bytes.size() < kRecordHeaderBytes) return {};
  const uint32_t record_bytes = Fields(bytes.substr(3)).Number(2);
  if (record_bytes < kMessageHeaderBytes || record_bytes > kMaxHelloBytes) return not_tls;
  if (bytes.size() > kRecordHeaderBytes && static_cast<uint8_t>(bytes[kRecordHeaderBytes]) != kClientHello)
    return not_tls;
  if (bytes.size() < kRecordHeaderBytes + record_bytes) return {};
  Fields message(bytes.substr(kRecordHeaderBytes, record_bytes));
  message.Number(1);
  auto alpn = ReadClientHello(message.Vector(3));
  if (!message.ok() || !alpn) return not_tls;
  return {Hello::Kind::kTls, std::move(*alpn)};
}

}  // namespace tulle::sidecar::detect
