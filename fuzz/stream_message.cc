#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "lib/meshconfig/stream.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  auto message = tulle::meshconfig::DecodeMessage(line);
  if (!message) return 0;
  std::string text = tulle::meshconfig::EncodeMessage(*message);
  text.pop_back();
  auto again = tulle::meshconfig::DecodeMessage(text);
  if (!again || !(*again == *message)) std::abort();
  return 0;
}
