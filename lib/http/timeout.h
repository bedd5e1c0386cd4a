#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

// How callers tell those whom they call how long they will wait.
namespace tulle::http {

inline constexpr std::string_view kGrpcTimeoutHeader = "grpc-timeout";
// Between sidecars: milliseconds that are left, in decimal.
inline constexpr std::string_view kTimeLeftHeader = "x-tulle-time-left";

// The value of grpc-timeout: at most eight digits and one of H, M, S, m, u and n. Nothing when it is none.
std::optional<std::chrono::nanoseconds> ParseGrpcTimeout(std::string_view value);

// The value of x-tulle-time-left; a call that has no time left says 0.
std::optional<std::chrono::milliseconds> ParseTimeLeft(std::string_view value);
std::string FormatTimeLeft(std::chrono::nanoseconds left);

}  // namespace tulle::http
