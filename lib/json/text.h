#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/json/fields.h"

namespace tulle::json {

inline constexpr size_t kMaxTextBytes = 32 << 20;
inline constexpr size_t kMaxDepth = 64;
inline constexpr size_t kMaxProblems = 64;

// Reads strict JSON (RFC 8259): no comments, no trailing bytes, valid UTF-8, no key twice in an object.
// Problems of syntax carry line and column in their message, all others their path. Never throws.
base::Result<nlohmann::json, Problems> ReadText(std::string_view text, size_t max_bytes = kMaxTextBytes);

// One member of an object whose value has not been looked into: `value` points into the text that was split.
struct RawMember {
  std::string key;
  std::string_view value;
};

// Split the outermost object or list into the exact texts of its values, so that a document can be taken
// apart without parsing, copying or reformatting its parts. Only the outermost level is checked: what is
// inside of a value is for whoever reads that value.
base::Result<std::vector<RawMember>, Problems> SplitObject(std::string_view text);
base::Result<std::vector<std::string_view>, Problems> SplitList(std::string_view text);

// Appends `value` as JSON string, quotes included; bytes that are not UTF-8 become U+FFFD.
void AppendString(std::string& text, std::string_view value);

}  // namespace tulle::json
