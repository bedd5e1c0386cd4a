#include "lib/base/duration.h"

namespace tulle::base {
namespace {

constexpr int64_t kMaxMilliseconds = 1000LL * 3600 * 99999;

struct Unit {
  std::string_view name;
  int64_t milliseconds;
};
constexpr Unit kUnits[] = {{"ms", 1}, {"h", 3600000}, {"m", 60000}, {"s", 1000}};

Failure NotADuration(std::string_view text) {
  return {"\"" + std::string(text) + "\" is not a duration such as \"250ms\", \"2s\" or \"1m30s\""};
}

}  // namespace

Result<Duration> ParseDuration(std::string_view text) {
  if (text.empty()) return NotADuration(text);
  std::string_view rest = text;
  int64_t total_ms = 0;
  while (!rest.empty()) {
    size_t digits = 0;
    int64_t number = 0;
    while (digits < rest.size() && rest[digits] >= '0' && rest[digits] <= '9' && digits < 10) {
      number = number * 10 + (rest[digits++] - '0');
    }
    if (digits == 0) return NotADuration(text);
    rest.remove_prefix(digits);
    const Unit* unit = nullptr;
    for (const Unit& candidate : kUnits) {
      if (rest.starts_with(candidate.name)) {
        unit = &candidate;
        break;
      }
    }
    if (unit == nullptr) return NotADuration(text);
    rest.remove_prefix(unit->name.size());
    if (number > kMaxMilliseconds / unit->milliseconds) return NotADuration(text);
    total_ms += number * unit->milliseconds;
    if (total_ms > kMaxMilliseconds) return NotADuration(text);
  }
  return Duration(std::chrono::milliseconds(total_ms));
}

std::string PrintDuration(Duration value) {
  int64_t left = std::chrono::duration_cast<std::chrono::milliseconds>(value).count();
  if (left == 0) return "0s";
  std::string text;
  for (const Unit& unit : {kUnits[1], kUnits[2], kUnits[3], kUnits[0]}) {
    if (left >= unit.milliseconds) text += std::to_string(left / unit.milliseconds) + std::string(unit.name);
    left %= unit.milliseconds;
  }
  return text;
}

}  // namespace tulle::base
