#include "lib/json/parse.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tulle::json {
namespace {

constexpr int64_t kMaxRegexProgram = 10000;  // instructions; a{1000}{1000} would take the matcher's memory

std::string Describe(const nlohmann::json& value) {
  switch (value.type()) {
    case nlohmann::json::value_t::string:
      return "the string " + Quote(value.get_ref<const std::string&>());
    case nlohmann::json::value_t::object:
      return "an object";
    case nlohmann::json::value_t::array:
      return "a list";
    case nlohmann::json::value_t::boolean:
      return value.get<bool>() ? "true" : "false";
    case nlohmann::json::value_t::null:
      return "null";
    default:
      return value.dump();
  }
}

size_t CountCharacters(std::string_view text) {
  return std::count_if(text.begin(), text.end(), [](unsigned char c) { return (c & 0xC0) != 0x80; });
}

size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const bool same = std::tolower(a[i - 1]) == std::tolower(b[j - 1]);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, diagonal + (same ? 0 : 1)}));
    }
  }
  return row[b.size()];
}

const char* Nearest(std::string_view name, const std::vector<const char*>& fields) {
  if (name.size() > 64) return nullptr;
  const char* nearest = nullptr;
  size_t least = std::max<size_t>(2, name.size() / 3) + 1;
  for (const char* field : fields) {
    const size_t distance = EditDistance(name, field);
    if (distance < least && distance < std::string_view(field).size()) {
      least = distance;
      nearest = field;
    }
  }
  return nearest;
}

// A whole number, also when it is written 1.0 as some YAML printers do.
bool WholeNumber(const nlohmann::json& value, int64_t& out) {
  if (value.is_number_unsigned()) {
    const auto number = value.get<uint64_t>();
    out = static_cast<int64_t>(std::min<uint64_t>(number, std::numeric_limits<int64_t>::max()));
    return true;
  }
  if (value.is_number_integer()) {
    out = value.get<int64_t>();
    return true;
  }
  if (!value.is_number_float()) return false;
  const double number = value.get<double>();
  if (std::trunc(number) != number || std::abs(number) > 9007199254740992.0) return false;
  out = static_cast<int64_t>(number);
  return true;
}

}  // namespace

bool Reader::Report(const Path& path, std::string message) {
  if (problems_.size() < kMaxProblems) {
    problems_.push_back({path.Text(), std::move(message)});
  } else if (problems_.size() == kMaxProblems) {
    problems_.push_back({"", "there are more problems than these"});
  }
  return false;
}

bool Reader::ExpectObject(const nlohmann::json& value, const Path& path) {
  return value.is_object() || Report(path, "expected an object, got " + Describe(value));
}

bool Reader::ExpectList(const nlohmann::json& value, const Path& path) {
  return value.is_array() || Report(path, "expected a list, got " + Describe(value));
}

bool Reader::ReadBool(const nlohmann::json& value, const Path& path, bool& out) {
  if (!value.is_boolean()) return Report(path, "expected true or false, got " + Describe(value));
  out = value.get<bool>();
  return true;
}

bool Reader::ReadInteger(const nlohmann::json& value, const Path& path, const Limits& limits, int64_t& out) {
  int64_t number = 0;
  if (!WholeNumber(value, number)) return Report(path, "expected an integer, got " + Describe(value));
  if (limits.minimum && number < *limits.minimum) {
    return Report(path, "must be at least " + std::to_string(*limits.minimum) + ", got " + Describe(value));
  }
  if (limits.maximum && number > *limits.maximum) {
    return Report(path, "must be at most " + std::to_string(*limits.maximum) + ", got " + Describe(value));
  }
  out = number;
  return true;
}

bool Reader::ReadString(const nlohmann::json& value, const Path& path, const Limits& limits,
                        std::string& out) {
  if (!value.is_string()) return Report(path, "expected a string, got " + Describe(value));
  const auto& text = value.get_ref<const std::string&>();
  if (limits.min_items || limits.max_items) {
    if (text.empty() && limits.min_items.value_or(0) > 0) return Report(path, "must not be empty");
    if (!CheckCount(CountCharacters(text), "characters", path, limits)) return false;
  }
  if (limits.pattern != nullptr && !CheckPattern(text, limits.pattern, path)) return false;
  out = text;
  return true;
}

bool Reader::ReadDuration(const nlohmann::json& value, const Path& path, const Limits& limits,
                          base::Duration& out) {
  if (!value.is_string()) {
    return Report(path, "expected a duration such as \"250ms\" or \"2s\", got " + Describe(value));
  }
  const auto& text = value.get_ref<const std::string&>();
  const base::Result<base::Duration> duration = base::ParseDuration(text);
  if (!duration) {
    return Report(path, Quote(text) + " is not a duration such as \"250ms\", \"2s\" or \"1m30s\"");
  }
  const auto print = [](int64_t milliseconds) {
    return base::PrintDuration(std::chrono::milliseconds(milliseconds));
  };
  if (limits.minimum && *duration < std::chrono::milliseconds(*limits.minimum)) {
    return Report(path, "must be at least " + print(*limits.minimum) + ", got " + text);
  }
  if (limits.maximum && *duration > std::chrono::milliseconds(*limits.maximum)) {
    return Report(path, "must be at most " + print(*limits.maximum) + ", got " + text);
  }
  out = *duration;
  return true;
}

bool Reader::ReadRegex(const nlohmann::json& value, const Path& path, const Limits& limits, Regex& out) {
  std::string text;
  if (!ReadString(value, path, limits, text)) return false;
  re2::RE2 regex(text, re2::RE2::Quiet);
  if (!regex.ok()) {
    return Report(path, Quote(text) + " is not a regular expression (RE2): " + regex.error());
  }
  if (regex.ProgramSize() > kMaxRegexProgram) {
    return Report(path, Quote(text) + " is too complex: its program has " +
                            std::to_string(regex.ProgramSize()) + " steps, at most " +
                            std::to_string(kMaxRegexProgram) + " are allowed");
  }
  out.pattern = std::move(text);
  return true;
}

bool Reader::CheckCount(size_t count, const char* unit, const Path& path, const Limits& limits) {
  const auto number = static_cast<int64_t>(count);
  if (limits.min_items && number < *limits.min_items) {
    return Report(path, "must have at least " + std::to_string(*limits.min_items) + " " + unit + ", got " +
                            std::to_string(number));
  }
  if (limits.max_items && number > *limits.max_items) {
    return Report(path, "must have at most " + std::to_string(*limits.max_items) + " " + unit + ", got " +
                            std::to_string(number));
  }
  return true;
}

bool Reader::CheckPattern(const std::string& value, const char* pattern, const Path& path) {
  std::unique_ptr<re2::RE2>& regex = patterns_[pattern];
  if (regex == nullptr) regex = std::make_unique<re2::RE2>(pattern);
  return re2::RE2::FullMatch(value, *regex) ||
         Report(path, "must match " + std::string(pattern) + ", got " + Quote(value));
}

bool Reader::CheckKnown(const nlohmann::json& object, const Path& path,
                        const std::vector<const char*>& fields) {
  bool valid = true;
  for (const auto& [name, unused] : object.get_ref<const nlohmann::json::object_t&>()) {
    const auto same = [&key = name](const char* field) { return key == field; };
    if (std::any_of(fields.begin(), fields.end(), same)) continue;
    const char* nearest = Nearest(name, fields);
    valid =
        Report(Path(path, name),
               nearest == nullptr ? "unknown field" : "unknown field; did you mean " + Quote(nearest) + "?");
  }
  return valid;
}

}  // namespace tulle::json
