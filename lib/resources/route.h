#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/duration.h"
#include "lib/json/fields.h"
#include "lib/meshconfig/route.h"
#include "lib/resources/labels.h"

// Where requests go, as authors write it.
namespace tulle::resources {

// One destination: a Service, or those endpoints of the parent Service whose pods carry all the labels (a
// version).
struct Backend {
  std::optional<std::string> service;
  std::optional<int64_t> port;
  Labels labels;
  int64_t weight = 1;

  static constexpr auto Describe() {
    return json::Object(
        "One weighted destination: another Service of the same namespace, or a version of this one, by pod "
        "labels.",
        json::Field(
            "service", &Backend::service,
            "Name of a Service in the same namespace; absent means the Service that this object is for.",
            {.min_items = 1, .max_items = 63, .pattern = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"}),
        json::Field("port", &Backend::port, "Port of that Service; absent means the port that was called.",
                    {.minimum = 1, .maximum = 65535}),
        json::Field(
            "labels", &Backend::labels, "Only endpoints whose pods carry all of these labels.",
            {.max_items = 8, .pattern = kLabelValue, .max_value_length = 63, .key_pattern = kLabelKey}),
        json::Field("weight", &Backend::weight,
                    "Share relative to the sum of all weights; 0 takes no traffic.",
                    {.minimum = 0, .maximum = 1000000}),
        json::Rule<Backend>("has(self.service) || (has(self.labels) && size(self.labels) > 0)",
                            "service or labels must be set",
                            [](const Backend& b) { return b.service.has_value() || !b.labels.empty(); }));
  }
};

struct RouteRule {
  std::vector<meshconfig::RequestMatch> matches;
  std::vector<Backend> backends;
  std::optional<base::Duration> timeout;
  std::optional<meshconfig::Retry> retry;

  static constexpr auto Describe() {
    return json::Object(
        "One rule. The first rule that matches decides.",
        json::Field("matches", &RouteRule::matches,
                    "The rule is for requests that match any of these; none means every request.",
                    {.max_items = 16}),
        json::Field("backends", &RouteRule::backends,
                    "Where the requests go; none means on to the Service and its Split.", {.max_items = 16}),
        json::Field("timeout", &RouteRule::timeout, "Limit for the whole exchange, all attempts together.",
                    {.minimum = 1}),
        json::Field("retry", &RouteRule::retry,
                    "Retries of this rule, instead of those of the TrafficPolicy."));
  }
};

struct Route {
  std::string service;
  std::optional<int64_t> port;
  std::vector<RouteRule> rules;

  static constexpr auto Describe() {
    return json::Object(
        "Rules for the requests to a Service.",
        json::Field(
            "service", &Route::service, "Name of the Service in the same namespace.",
            {.required = true, .min_items = 1, .max_items = 63, .pattern = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"}),
        json::Field("port", &Route::port, "Only this port of the Service; absent means all.",
                    {.minimum = 1, .maximum = 65535}),
        json::Field("rules", &Route::rules,
                    "Rules in order; what none of them matches goes on to the Service and its Split.",
                    {.required = true, .min_items = 1, .max_items = 64}));
  }
};

struct Split {
  std::string service;
  std::optional<int64_t> port;
  std::vector<Backend> backends;

  static constexpr auto Describe() {
    return json::Object(
        "Weighted splitting of the traffic to a Service between other Services or versions of it.",
        json::Field(
            "service", &Split::service, "Name of the Service in the same namespace.",
            {.required = true, .min_items = 1, .max_items = 63, .pattern = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"}),
        json::Field("port", &Split::port, "Only this port of the Service; absent means all.",
                    {.minimum = 1, .maximum = 65535}),
        json::Field("backends", &Split::backends, "Who gets which share.",
                    {.required = true, .min_items = 1, .max_items = 16}),
        json::Rule<Split>("self.backends.exists(b, !has(b.weight) || b.weight > 0)",
                          "backends: at least one weight must be above 0", [](const Split& s) {
                            for (const Backend& b : s.backends) {
                              if (b.weight > 0) return true;
                            }
                            return false;
                          }));
  }
};

}  // namespace tulle::resources
