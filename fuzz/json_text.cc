#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "lib/json/text.h"

// Whatever ReadText takes, SplitObject and SplitList take too, and what is printed again reads to the same
// value.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto value = tulle::json::ReadText(text);
  const auto members = tulle::json::SplitObject(text);
  const auto items = tulle::json::SplitList(text);
  if (!value) return 0;
  if (value->is_object() && value->size() <= tulle::json::kMaxProblems && !members.ok()) std::abort();
  if (value->is_array() && !items.ok()) std::abort();
  auto again = tulle::json::ReadText(value->dump());
  if (!again || *again != *value) std::abort();
  return 0;
}
