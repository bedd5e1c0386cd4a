#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tulle::sidecar::detect {

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

}  // namespace tulle::sidecar::detect
