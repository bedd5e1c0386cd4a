#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/duration.h"
#include "lib/json/fields.h"
#include "lib/meshconfig/actions.h"
#include "lib/meshconfig/match.h"
#include "lib/meshconfig/policy.h"

// What becomes of a request: the part of mesh config that Routes and Splits shape.
namespace tulle::meshconfig {

// One destination of a rule. `error`, when set, says why this share cannot be served; its requests are
// answered 500.
struct WeightedBackend {
  std::string source;     // the object that named it: "split/shop/web#0"
  std::string endpoints;  // resource that holds its endpoints: "endpoints/shop/web?version=v2"
  int64_t port = 0;       // the port of that Service
  int64_t weight = 1;
  std::optional<std::string> error = {};
  std::optional<HeaderEdits> request_headers = {};
  std::optional<HeaderEdits> response_headers = {};

  bool operator==(const WeightedBackend&) const = default;
  static constexpr auto Describe() {
    return json::Object(
        "One weighted destination.",
        json::Field("source", &WeightedBackend::source, "The object that named it."),
        json::Field("endpoints", &WeightedBackend::endpoints, "Name of the endpoints resource."),
        json::Field("port", &WeightedBackend::port, "Port of the Service.", {.minimum = 0, .maximum = 65535}),
        json::Field("weight", &WeightedBackend::weight, "Share relative to its siblings.",
                    {.minimum = 0, .maximum = 1000000}),
        json::Field("error", &WeightedBackend::error, "Why this share cannot be served."),
        json::Field("requestHeaders", &WeightedBackend::request_headers, "Edits, after those of the rule."),
        json::Field("responseHeaders", &WeightedBackend::response_headers,
                    "Edits, before those of the rule."));
  }
};

// Where copies of requests go. Weight and error of the backend mean nothing here; a copy without endpoints is
// dropped.
struct Mirror {
  WeightedBackend backend;
  int64_t parts_per_million = 1000000;

  bool operator==(const Mirror&) const = default;
  static constexpr auto Describe() {
    return json::Object("Where copies of requests go.",
                        json::Field("backend", &Mirror::backend, "Who gets them."),
                        json::Field("partsPerMillion", &Mirror::parts_per_million, "Share of the requests.",
                                    {.minimum = 0, .maximum = 1000000}));
  }
};

// Rules stand in the order in which they are tried; the last one of a port has no matches and takes the rest.
// A redirect or a response of our own needs no backends.
struct RouteRule {
  std::string
      name;  // "route/shop/web#2", "split/shop/web" or "service/shop/web": what a decision record says
  std::vector<RequestMatch> matches;  // any of them; none = every request
  std::vector<WeightedBackend> backends;
  std::optional<Sticky> sticky;
  std::optional<HeaderEdits> request_headers = {};
  std::optional<HeaderEdits> response_headers = {};
  std::optional<Rewrite> rewrite;
  std::optional<Redirect> redirect;
  std::optional<DirectResponse> respond;
  std::optional<Fault> fault;
  std::vector<Mirror> mirrors;
  std::optional<base::Duration> timeout;  // whole exchange, all attempts
  std::optional<Retry> retry;             // instead of the policy's

  bool operator==(const RouteRule&) const = default;
  static constexpr auto Describe() {
    return json::Object(
        "One rule of a port.", json::Field("name", &RouteRule::name, "What a decision record calls it."),
        json::Field("matches", &RouteRule::matches, "Any of these; none means every request."),
        json::Field("backends", &RouteRule::backends, "Where its requests go."),
        json::Field("sticky", &RouteRule::sticky, "What keeps a client with its backend."),
        json::Field("requestHeaders", &RouteRule::request_headers, "Edits of the request."),
        json::Field("responseHeaders", &RouteRule::response_headers, "Edits of the response."),
        json::Field("rewrite", &RouteRule::rewrite, "What the backend is asked for."),
        json::Field("redirect", &RouteRule::redirect, "Sends the client elsewhere."),
        json::Field("respond", &RouteRule::respond, "Answers without a backend."),
        json::Field("fault", &RouteRule::fault, "Faults on purpose."),
        json::Field("mirrors", &RouteRule::mirrors, "Who gets copies."),
        json::Field("timeout", &RouteRule::timeout, "Limit for the whole exchange."),
        json::Field("retry", &RouteRule::retry, "Retries of this rule."));
  }
};

}  // namespace tulle::meshconfig
