#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "lib/base/duration.h"
#include "lib/json/fields.h"

// What keeps callers from endpoints that fail, and endpoints from callers that ask too much.
namespace tulle::meshconfig {

enum class Mode { kEnforce, kShadow };
constexpr auto Names(Mode) {
  return std::array<std::pair<Mode, std::string_view>, 2>{
      {{Mode::kEnforce, "Enforce"}, {Mode::kShadow, "Shadow"}}};
}

// A threshold of 0 switches its detector off.
struct OutlierDetection {
  Mode mode = Mode::kEnforce;
  int64_t consecutive_5xx = 5;
  int64_t consecutive_gateway_errors = 5;
  int64_t consecutive_local_errors = 5;
  int64_t success_rate_gap = 25;
  int64_t failure_percentage = 0;
  int64_t minimum_requests = 20;
  base::Duration window = std::chrono::seconds(10);
  base::Duration base_ejection = std::chrono::seconds(5);
  base::Duration max_ejection = std::chrono::minutes(5);
  int64_t max_ejected_percent = 50;

  bool operator==(const OutlierDetection&) const = default;
  static constexpr auto Describe() {
    return json::Object(
        "When an endpoint that fails is left alone. It is on without being asked for. After its time the "
        "endpoint gets one request; with a success it is back, with a failure it stays away for longer. "
        "Failures are responses 5xx, errors of gRPC that come without content, connections that cannot be "
        "made or that break, and attempts that time out. A threshold of 0 switches its detector off.",
        json::Field("mode", &OutlierDetection::mode,
                    "Shadow counts what would be ejected and ejects nobody."),
        json::Field("consecutive5xx", &OutlierDetection::consecutive_5xx, "Responses 5xx in a row.",
                    {.minimum = 0, .maximum = 1000000}),
        json::Field("consecutiveGatewayErrors", &OutlierDetection::consecutive_gateway_errors,
                    "Responses 502, 503 and 504 in a row.", {.minimum = 0, .maximum = 1000000}),
        json::Field("consecutiveLocalErrors", &OutlierDetection::consecutive_local_errors,
                    "Connections that fail and attempts that time out, in a row.",
                    {.minimum = 0, .maximum = 1000000}),
        json::Field("successRateGap", &OutlierDetection::success_rate_gap,
                    "Percentage points by which the success rate of an endpoint lies below that of all the "
                    "others together.",
                    {.minimum = 0, .maximum = 100}),
        json::Field("failurePercentage", &OutlierDetection::failure_percentage,
                    "Share of the requests of an endpoint that fail, whatever the others do; 0 is off.",
                    {.minimum = 0, .maximum = 100}),
        json::Field("minimumRequests", &OutlierDetection::minimum_requests,
                    "Requests within the window below which shares say nothing.",
                    {.minimum = 1, .maximum = 1000000}),
        json::Field("window", &OutlierDetection::window, "What shares are taken of.",
                    {.minimum = 100, .maximum = 3600000}),
        json::Field("baseEjection", &OutlierDetection::base_ejection,
                    "How long the first ejection lasts; each further one lasts twice as long, and one that "
                    "was long ago is forgotten.",
                    {.minimum = 10, .maximum = 3600000}),
        json::Field("maxEjection", &OutlierDetection::max_ejection, "The longest that an ejection lasts.",
                    {.minimum = 10, .maximum = 86400000}),
        json::Field("maxEjectedPercent", &OutlierDetection::max_ejected_percent,
                    "The most endpoints that are ejected at a time. One may always be, and one always stays.",
                    {.minimum = 0, .maximum = 100}));
  }
};

struct RetryBudget {
  int64_t percent = 20;
  int64_t minimum_per_second = 3;

  bool operator==(const RetryBudget&) const = default;
  static constexpr auto Describe() {
    return json::Object(
        "How many retries the requests to a Service pay for. What was provably never sent is repeated "
        "without it.",
        json::Field("percent", &RetryBudget::percent,
                    "Retries relative to the requests of the last ten seconds.",
                    {.minimum = 0, .maximum = 1000}),
        json::Field("minimumPerSecond", &RetryBudget::minimum_per_second,
                    "Retries per second that are paid for in any case, over ten seconds.",
                    {.minimum = 0, .maximum = 1000000}));
  }
};

// A limit that is absent is none. They count what one sidecar does, with all its workers.
struct EndpointLimits {
  std::optional<int64_t> requests;

  bool operator==(const EndpointLimits&) const = default;
  static constexpr auto Describe() {
    return json::Object("What one endpoint gets from one caller at a time.",
                        json::Field("requests", &EndpointLimits::requests,
                                    "Requests in flight, and opaque connections. An endpoint that has as "
                                    "many is left alone while there are others.",
                                    {.minimum = 1, .maximum = 1000000000}));
  }
};

struct CallLimits {
  Mode mode = Mode::kEnforce;
  std::optional<int64_t> connections;
  std::optional<int64_t> pending;
  std::optional<int64_t> requests;
  std::optional<int64_t> retries;
  EndpointLimits endpoint;

  bool operator==(const CallLimits&) const = default;
  static constexpr auto Describe() {
    return json::Object(
        "What a Service gets from one caller at a time; beyond it a request is answered 503 at once, with "
        "the limit as the reason. Absent limits are none.",
        json::Field("mode", &CallLimits::mode, "Shadow counts what would be refused and refuses nothing."),
        json::Field("connections", &CallLimits::connections, "Opaque connections that are open.",
                    {.minimum = 0, .maximum = 1000000000}),
        json::Field("pending", &CallLimits::pending,
                    "Requests for which a connection, or room on one, is being got.",
                    {.minimum = 1, .maximum = 1000000000}),
        json::Field("requests", &CallLimits::requests, "Requests in flight.",
                    {.minimum = 0, .maximum = 1000000000}),
        json::Field("retries", &CallLimits::retries,
                    "Requests in flight that are not at their first attempt.",
                    {.minimum = 0, .maximum = 1000000000}),
        json::Field("endpoint", &CallLimits::endpoint, "What one endpoint gets."));
  }
};

// How many requests an app is given at a time.
struct Concurrency {
  std::string name;  // "shop/web": the policy that says so
  Mode mode = Mode::kEnforce;
  int64_t initial = 20;
  int64_t minimum = 4;
  int64_t maximum = 1000;

  bool operator==(const Concurrency&) const = default;
  static constexpr auto Describe() {
    return json::Object(
        "How many requests an app is given at a time.",
        json::Field("name", &Concurrency::name, "The policy that says so."),
        json::Field("mode", &Concurrency::mode, "Shadow refuses nothing."),
        json::Field("initial", &Concurrency::initial, "The limit at first.",
                    {.minimum = 1, .maximum = 1000000}),
        json::Field("minimum", &Concurrency::minimum, "The least limit.", {.minimum = 1, .maximum = 1000000}),
        json::Field("maximum", &Concurrency::maximum, "The greatest limit.",
                    {.minimum = 1, .maximum = 1000000}));
  }
};

}  // namespace tulle::meshconfig
