#pragma once

#include <optional>
#include <vector>

#include "lib/json/fields.h"
#include "lib/meshconfig/access.h"
#include "lib/resources/labels.h"

namespace tulle::resources {

struct PolicyRule {
  meshconfig::AccessAction action = meshconfig::AccessAction::kAllow;
  std::vector<meshconfig::AccessFrom> from;
  std::vector<meshconfig::AccessTo> to;

  static constexpr auto Describe() {
    return json::Object(
        "One rule of access.",
        json::Field("action", &PolicyRule::action, "What happens when the rule matches.", {.required = true}),
        json::Field("from", &PolicyRule::from, "Any of these callers; none means everybody.",
                    {.max_items = 32}),
        json::Field("to", &PolicyRule::to, "Any of these targets; none means everything.",
                    {.max_items = 32}));
  }
};

struct RateLimit {
  std::optional<meshconfig::Mode> mode;
  int64_t requests = 1;
  std::optional<base::Duration> per;
  std::optional<int64_t> burst;
  std::optional<meshconfig::RateKey> by;
  std::optional<std::string> header;
  std::vector<meshconfig::AccessTo> to;

  static constexpr auto Describe() {
    return json::Object(
        "How many requests each pod of the workload takes. One too many is answered 429, with Retry-After, "
        "RateLimit and RateLimit-Policy. Each sidecar counts for itself.",
        json::Field("mode", &RateLimit::mode,
                    "Shadow counts what would be refused and refuses nothing; default Enforce."),
        json::Field("requests", &RateLimit::requests, "So many requests.",
                    {.required = true, .minimum = 1, .maximum = 1000000}),
        json::Field("per", &RateLimit::per, "In that time; default 1s.",
                    {.minimum = 1000, .maximum = 3600000}),
        json::Field("burst", &RateLimit::burst, "So many of them at once; default as many as requests.",
                    {.minimum = 1, .maximum = 1000000}),
        json::Field("by", &RateLimit::by,
                    "Who shares the limit: Everyone; or each Identity has its own, and callers without one "
                    "have one together; or each value of a Header has. Default Everyone.",
                    {}),
        json::Field("header", &RateLimit::header,
                    "Name of that header. Requests without it share a limit, and so do new values while "
                    "there are very many.",
                    {.min_items = 1, .max_items = 256, .pattern = "[!#-'*+.^_`|~0-9A-Za-z-]+"}),
        json::Field("to", &RateLimit::to, "What it is for: any of these targets; none means everything.",
                    {.max_items = 16}),
        json::Rule<RateLimit>("(has(self.by) && self.by == 'Header') == has(self.header)",
                              "header must be set where by is Header, and only there",
                              [](const RateLimit& l) {
                                return (l.by == meshconfig::RateKey::kHeader) == l.header.has_value();
                              }));
  }
};

struct Concurrency {
  std::optional<meshconfig::Mode> mode;
  std::optional<int64_t> minimum;
  std::optional<int64_t> maximum;

  static constexpr auto Describe() {
    return json::Object(
        "How many requests each pod's app is given at a time: a limit that is found out from how long "
        "answers take. One too many is answered 503, with Retry-After. Requests whose Priority header (RFC "
        "9218) says urgency 5 to 7 are refused first, those of 0 and 1 last.",
        json::Field("mode", &Concurrency::mode,
                    "Shadow counts what would be refused and refuses nothing; default Enforce."),
        json::Field("minimum", &Concurrency::minimum, "The least limit; default 4.",
                    {.minimum = 1, .maximum = 1000000}),
        json::Field("maximum", &Concurrency::maximum, "The greatest limit; default 1000.",
                    {.minimum = 1, .maximum = 1000000}),
        json::Rule<Concurrency>("!has(self.minimum) || !has(self.maximum) || self.minimum <= self.maximum",
                                "minimum must not be above maximum", [](const Concurrency& c) {
                                  return !c.minimum || !c.maximum || *c.minimum <= *c.maximum;
                                }));
  }
};

struct AccessPolicy {
  Labels selector;
  std::optional<meshconfig::MtlsMode> mtls;
  std::vector<PolicyRule> rules;
  std::vector<RateLimit> rate_limits;
  std::optional<Concurrency> concurrency;

  static constexpr auto Describe() {
    return json::Object(
        "Who may call the workloads of a namespace. Deny rules are looked at first; then, where any Allow "
        "rule applies to a "
        "workload, one of them must match; a workload without Allow rules may be called by all.",
        json::Field(
            "selector", &AccessPolicy::selector,
            "Pods that carry all of these labels; absent means the whole namespace.",
            {.max_items = 8, .pattern = kLabelValue, .max_value_length = 63, .key_pattern = kLabelKey}),
        json::Field("mtls", &AccessPolicy::mtls,
                    "Strict refuses plaintext, Permissive takes it; the strictest of all policies of a "
                    "workload counts; default Permissive."),
        json::Field("rules", &AccessPolicy::rules, "Rules of access.", {.max_items = 64}),
        json::Field("rateLimits", &AccessPolicy::rate_limits,
                    "How often the workloads may be called; every limit that a request falls under must "
                    "have room.",
                    {.max_items = 16}),
        json::Field("concurrency", &AccessPolicy::concurrency,
                    "How many requests their apps are given at a time; of several policies the oldest "
                    "decides. Off by default."),
        json::Rule<AccessPolicy>(
            "has(self.mtls) || (has(self.rules) && size(self.rules) > 0) || "
            "(has(self.rateLimits) && size(self.rateLimits) > 0) || has(self.concurrency)",
            "mtls, rules, rateLimits or concurrency must be set", [](const AccessPolicy& p) {
              return p.mtls || !p.rules.empty() || !p.rate_limits.empty() || p.concurrency;
            }));
  }
};

}  // namespace tulle::resources
