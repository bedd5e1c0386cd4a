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
  std::optional<meshconfig::HeaderEdits> request_headers = {};
  std::optional<meshconfig::HeaderEdits> response_headers = {};

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
        json::Field("requestHeaders", &Backend::request_headers,
                    "Edits of requests that go there, after those of the rule."),
        json::Field("responseHeaders", &Backend::response_headers,
                    "Edits of responses from there, before those of the rule."),
        json::Rule<Backend>("has(self.service) || (has(self.labels) && size(self.labels) > 0)",
                            "service or labels must be set",
                            [](const Backend& b) { return b.service.has_value() || !b.labels.empty(); }));
  }
};

// Where copies of requests go.
struct Mirror {
  std::optional<std::string> service;
  std::optional<int64_t> port;
  Labels labels;
  int64_t percent = 100;

  static constexpr auto Describe() {
    return json::Object(
        "Where copies of requests go. Their answers are dropped; a request with a body of more than 64 KiB "
        "is not "
        "copied.",
        json::Field(
            "service", &Mirror::service,
            "Name of a Service in the same namespace; absent means the Service that this object is for.",
            {.min_items = 1, .max_items = 63, .pattern = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"}),
        json::Field("port", &Mirror::port, "Port of that Service; absent means the port that was called.",
                    {.minimum = 1, .maximum = 65535}),
        json::Field(
            "labels", &Mirror::labels, "Only endpoints whose pods carry all of these labels.",
            {.max_items = 8, .pattern = kLabelValue, .max_value_length = 63, .key_pattern = kLabelKey}),
        json::Field("percent", &Mirror::percent, "Share of the requests.", {.minimum = 0, .maximum = 100}),
        json::Rule<Mirror>("has(self.service) || (has(self.labels) && size(self.labels) > 0)",
                           "service or labels must be set",
                           [](const Mirror& m) { return m.service.has_value() || !m.labels.empty(); }));
  }
};

struct RouteRule {
  std::vector<meshconfig::RequestMatch> matches;
  std::vector<Backend> backends;
  std::optional<meshconfig::Sticky> sticky = {};
  std::optional<meshconfig::HeaderEdits> request_headers = {};
  std::optional<meshconfig::HeaderEdits> response_headers = {};
  std::optional<meshconfig::Rewrite> rewrite;
  std::optional<meshconfig::Redirect> redirect;
  std::optional<meshconfig::DirectResponse> respond;
  std::optional<meshconfig::Fault> fault;
  std::vector<Mirror> mirrors;
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
        json::Field("sticky", &RouteRule::sticky, "Keeps a client with the same backend."),
        json::Field("requestHeaders", &RouteRule::request_headers, "Edits of what the backend gets."),
        json::Field("responseHeaders", &RouteRule::response_headers, "Edits of what the client gets."),
        json::Field("rewrite", &RouteRule::rewrite, "Changes path or host of what the backend gets."),
        json::Field("redirect", &RouteRule::redirect, "Sends the client elsewhere; goes without backends."),
        json::Field("respond", &RouteRule::respond, "Answers at once; goes without backends."),
        json::Field("fault", &RouteRule::fault, "Faults on purpose."),
        json::Field("mirrors", &RouteRule::mirrors, "Who gets copies of the requests.", {.max_items = 4}),
        json::Field("timeout", &RouteRule::timeout, "Limit for the whole exchange, all attempts together.",
                    {.minimum = 1}),
        json::Field("retry", &RouteRule::retry,
                    "Retries of this rule, instead of those of the TrafficPolicy."),
        json::Rule<RouteRule>(
            "[has(self.redirect), has(self.respond), has(self.backends) && size(self.backends) > 0]"
            ".filter(x, x).size() <= 1",
            "redirect, respond and backends exclude each other", [](const RouteRule& r) {
              return r.redirect.has_value() + r.respond.has_value() + !r.backends.empty() <= 1;
            }));
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

// Whose requests go somewhere else than the weights say.
struct SplitOverride {
  std::vector<meshconfig::RequestMatch> matches;
  Backend backend;

  static constexpr auto Describe() {
    return json::Object("Requests that do not follow the weights: those of testers, say.",
                        json::Field("matches", &SplitOverride::matches, "Requests that match any of these.",
                                    {.required = true, .min_items = 1, .max_items = 16}),
                        json::Field("backend", &SplitOverride::backend,
                                    "Where they go; its weight means nothing.", {.required = true}));
  }
};

struct Split {
  std::string service;
  std::optional<int64_t> port;
  std::vector<Backend> backends;
  std::vector<SplitOverride> overrides = {};
  std::optional<meshconfig::Sticky> sticky = {};

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
        json::Field("overrides", &Split::overrides,
                    "Requests that do not follow the weights; the first that matches decides.",
                    {.max_items = 16}),
        json::Field("sticky", &Split::sticky, "Keeps a client with the same backend."),
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
