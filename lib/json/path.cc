#include "lib/json/path.h"

#include <algorithm>

namespace tulle::json {
namespace {

constexpr size_t kMaxQuotedBytes = 64;

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

bool IsIdentifier(std::string_view key) {
  return !key.empty() && key.size() <= kMaxQuotedBytes && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

// Length of the valid UTF-8 sequence at the start of `text`, 0 when there is none (RFC 3629).
size_t SequenceLength(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const size_t length = lead < 0x80                   ? 1
                        : lead >= 0xC2 && lead < 0xE0 ? 2
                        : lead >= 0xE0 && lead < 0xF0 ? 3
                        : lead >= 0xF0 && lead < 0xF5 ? 4
                                                      : 0;
  if (length == 0 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if (!IsContinuation(text[i])) return 0;
  }
  const auto second = length > 1 ? static_cast<unsigned char>(text[1]) : 0;
  const bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
  const bool beyond = (lead == 0xED && second > 0x9F) || (lead == 0xF4 && second > 0x8F);
  return overlong || beyond ? 0 : length;
}

}  // namespace

void AppendKey(std::string& path, std::string_view key) {
  if (!IsIdentifier(key)) {
    path += "[" + Quote(key) + "]";
    return;
  }
  if (!path.empty()) path += '.';
  path += key;
}

void AppendIndex(std::string& path, size_t index) { path += "[" + std::to_string(index) + "]"; }

std::string Path::Text() const {
  if (parent_ == nullptr) return std::string(key_);
  std::string text = parent_->Text();
  if (is_index_) {
    AppendIndex(text, index_);
  } else {
    AppendKey(text, key_);
  }
  return text;
}

std::string Quote(std::string_view value) {
  std::string text = "\"";
  for (size_t i = 0; i < value.size();) {
    if (text.size() >= kMaxQuotedBytes) return text + "...\"";
    const char c = value[i];
    const size_t length = SequenceLength(value.substr(i));
    if (length == 0 || static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      text += '?';
      ++i;
      continue;
    }
    if (c == '"' || c == '\\') text += '\\';
    text += value.substr(i, length);
    i += length;
  }
  return text + "\"";
}

}  // namespace tulle::json
