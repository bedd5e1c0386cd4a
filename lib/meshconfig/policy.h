#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "lib/base/duration.h"
#include "lib/json/fields.h"
#include "lib/meshconfig/protection.h"

// How a Service is called: the part of mesh config that a TrafficPolicy shapes.
namespace tulle::meshconfig {

enum class LoadBalancing { kLeastRequest, kRoundRobin };
constexpr auto Names(LoadBalancing) {
  return std::array<std::pair<LoadBalancing, std::string_view>, 2>{
      {{LoadBalancing::kLeastRequest, "LeastRequest"}, {LoadBalancing::kRoundRobin, "RoundRobin"}}};
}

struct Retry {
  int64_t attempts = 2;
  std::optional<base::Duration> per_try_timeout;
  RetryBudget budget;

  bool operator==(const Retry&) const = default;
  static constexpr auto Describe() {
    return json::Object(
        "How failed attempts are repeated. Repeated are requests that provably never reached the "
        "application, and "
        "idempotent ones (GET, HEAD, OPTIONS, TRACE, PUT, DELETE) that failed before an answer began.",
        json::Field("attempts", &Retry::attempts, "Attempts after the first; 0 switches retries off.",
                    {.minimum = 0, .maximum = 10}),
        json::Field("perTryTimeout", &Retry::per_try_timeout,
                    "Longest time for one attempt until its answer begins.", {.minimum = 1}),
        json::Field("budget", &Retry::budget, "How many retries there may be; always on."));
  }
};

struct CallPolicy {
  std::string source;  // the TrafficPolicy that says so: "shop/web"; empty where there is none
  LoadBalancing load_balancing = LoadBalancing::kLeastRequest;
  base::Duration connect_timeout = std::chrono::seconds(1);
  std::optional<base::Duration> request_timeout;
  Retry retry;
  OutlierDetection outlier_detection;
  CallLimits limits;

  bool operator==(const CallPolicy&) const = default;
  static constexpr auto Describe() {
    return json::Object(
        "How a Service is called.", json::Field("source", &CallPolicy::source, "The TrafficPolicy."),
        json::Field("loadBalancing", &CallPolicy::load_balancing, "How an endpoint is picked."),
        json::Field("connectTimeout", &CallPolicy::connect_timeout,
                    "Limit for TCP and TLS together, per attempt."),
        json::Field("requestTimeout", &CallPolicy::request_timeout,
                    "Limit for the whole exchange where the rule has none."),
        json::Field("retry", &CallPolicy::retry, "Retries where the rule has none."),
        json::Field("outlierDetection", &CallPolicy::outlier_detection,
                    "When an endpoint that fails is left alone."),
        json::Field("limits", &CallPolicy::limits, "What it gets from one caller at a time."));
  }
};

}  // namespace tulle::meshconfig
