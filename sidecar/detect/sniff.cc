#include "sidecar/detect/sniff.h"

#include <algorithm>
#include <cstdint>

#include "lib/http/text.h"
#include "sidecar/detect/fields.h"

namespace tulle::sidecar::detect {
namespace {

constexpr size_t kMaxLineBytes = 8 << 10;
constexpr std::string_view kBlanks = " \t\v\f";  // to one app or another

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

}  // namespace tulle::sidecar::detect
