#include "lib/http/timeout.h"

#include <algorithm>
#include <charconv>

namespace tulle::http {
namespace {

std::optional<int64_t> ParseDigits(std::string_view digits, size_t most) {
  int64_t number = 0;
  const char* end = digits.data() + digits.size();
  if (digits.empty() || digits.size() > most || digits.front() == '-') return std::nullopt;
  const auto parsed = std::from_chars(digits.data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return number;
}

}  // namespace

std::optional<std::chrono::nanoseconds> ParseGrpcTimeout(std::string_view value) {
  if (value.empty()) return std::nullopt;
  const auto number = ParseDigits(value.substr(0, value.size() - 1), 8);
  if (!number) return std::nullopt;
  // Years are as good as for ever, and fit.
  constexpr int64_t kMost = 24 * 365;
  switch (value.back()) {
    case 'H':
      return std::chrono::hours(std::min(*number, kMost));
    case 'M':
      return std::chrono::minutes(std::min(*number, kMost * 60));
    case 'S':
      return std::chrono::seconds(*number);
    case 'm':
      return std::chrono::milliseconds(*number);
    case 'u':
      return std::chrono::microseconds(*number);
    case 'n':
      return std::chrono::nanoseconds(*number);
    default:
      return std::nullopt;
  }
}

std::optional<std::chrono::milliseconds> ParseTimeLeft(std::string_view value) {
  const auto number = ParseDigits(value, 10);
  if (!number) return std::nullopt;
  return std::chrono::milliseconds(*number);
}

std::string FormatTimeLeft(std::chrono::nanoseconds left) {
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(left).count();
  return std::to_string(std::clamp<int64_t>(milliseconds, 0, 9'999'999'999));
}

}  // namespace tulle::http
