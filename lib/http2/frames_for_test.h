#pragma once

#include <cstdint>
#include <string>
#include <string_view>

// HTTP/2 frames by hand, for peers that nghttp2 would not play.
namespace tulle::http2 {

inline const std::string kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

inline std::string Number(uint64_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i));
  return text;
}

inline std::string Frame(int type, int flags, uint32_t stream, std::string_view payload) {
  std::string frame = Number(payload.size(), 3);
  frame += static_cast<char>(type);
  frame += static_cast<char>(flags);
  frame += Number(stream, 4);
  return frame.append(payload);
}

// One field, never indexed, without Huffman code.
inline std::string Literal(std::string_view name, std::string_view value) {
  const auto text = [](std::string_view bytes) {
    std::string coded;
    if (bytes.size() < 127) {
      coded += static_cast<char>(bytes.size());
    } else {
      coded += '\x7f';
      size_t rest = bytes.size() - 127;
      for (; rest >= 128; rest >>= 7) coded += static_cast<char>(rest | 128);
      coded += static_cast<char>(rest);
    }
    return coded.append(bytes);
  };
  return '\x10' + text(name) + text(value);
}

// :method GET, :scheme http, :path /, :authority a
inline const std::string kGetFields = "\x82\x86\x84" + Literal(":authority", "a");

}  // namespace tulle::http2
