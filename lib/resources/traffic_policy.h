#pragma once

#include <optional>
#include <string>

#include "lib/base/duration.h"
#include "lib/json/fields.h"
#include "lib/meshconfig/policy.h"

namespace tulle::resources {

struct TrafficPolicy {
  std::string service;
  std::optional<meshconfig::LoadBalancing> load_balancing;
  std::optional<base::Duration> connect_timeout;
  std::optional<base::Duration> request_timeout;
  std::optional<meshconfig::Retry> retry;
  std::optional<meshconfig::OutlierDetection> outlier_detection;
  std::optional<meshconfig::CallLimits> limits;

  static constexpr auto Describe() {
    return json::Object(
        "How a Service is called.",
        json::Field(
            "service", &TrafficPolicy::service, "Name of the Service in the same namespace.",
            {.required = true, .min_items = 1, .max_items = 63, .pattern = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"}),
        json::Field("loadBalancing", &TrafficPolicy::load_balancing,
                    "How an endpoint is picked; default LeastRequest."),
        json::Field("connectTimeout", &TrafficPolicy::connect_timeout,
                    "Limit for TCP and TLS together, per attempt; default 1s.", {.minimum = 1}),
        json::Field("requestTimeout", &TrafficPolicy::request_timeout,
                    "Limit for the whole exchange, all attempts together; default none.", {.minimum = 1}),
        json::Field("retry", &TrafficPolicy::retry, "Retries; default 2 attempts."),
        json::Field("outlierDetection", &TrafficPolicy::outlier_detection,
                    "When an endpoint that fails is left alone; on by default."),
        json::Field("limits", &TrafficPolicy::limits,
                    "What the Service gets from one caller at a time; default no limits."));
  }
};

}  // namespace tulle::resources
