#include "lib/mux/frame.h"

#include "lib/mux/limits.h"

namespace tulle::mux {
namespace {

uint8_t Byte(std::string_view data, size_t index) { return static_cast<uint8_t>(data[index]); }

bool HasItsSize(const FrameHead& head) {
  switch (head.type) {
    case FrameType::kData:
      return head.bytes > 0 && head.bytes <= kMaxPayload;
    case FrameType::kOpen:
    case FrameType::kReset:
      return head.bytes == 1;
    case FrameType::kCredit:
      return head.bytes == 4;
    case FrameType::kEnd:
    case FrameType::kLeave:
      return head.bytes == 0;
  }
  return false;
}

}  // namespace

uint32_t ReadU32(std::string_view bytes) {
  return uint32_t{Byte(bytes, 0)} << 24 | uint32_t{Byte(bytes, 1)} << 16 | uint32_t{Byte(bytes, 2)} << 8 |
         Byte(bytes, 3);
}

void AppendU32(io::Buffer& out, uint32_t value) {
  const char bytes[4] = {static_cast<char>(value >> 24), static_cast<char>(value >> 16),
                         static_cast<char>(value >> 8), static_cast<char>(value)};
  out.Append({bytes, sizeof bytes});
}

void AppendFrameHead(io::Buffer& out, FrameType type, uint32_t bytes, uint32_t stream) {
  AppendU32(out, uint32_t{static_cast<uint8_t>(type)} << 24 | bytes);
  AppendU32(out, stream);
}

ReadStatus ReadFrame(std::string_view data, FrameHead& head, std::string_view& payload) {
  if (data.size() < kFrameHeadBytes) return ReadStatus::kNeedMore;
  head.type = static_cast<FrameType>(Byte(data, 0));
  head.bytes = ReadU32(data) & 0xffffff;
  head.stream = ReadU32(data.substr(4));
  const bool of_connection = head.type == FrameType::kLeave;
  if (!HasItsSize(head) || of_connection != (head.stream == 0)) return ReadStatus::kBad;
  if (data.size() - kFrameHeadBytes < head.bytes) return ReadStatus::kNeedMore;
  payload = data.substr(kFrameHeadBytes, head.bytes);
  return ReadStatus::kDone;
}

}  // namespace tulle::mux
