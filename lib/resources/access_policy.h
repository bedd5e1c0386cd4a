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

struct AccessPolicy {
  Labels selector;
  std::optional<meshconfig::MtlsMode> mtls;
  std::vector<PolicyRule> rules;

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
        json::Rule<AccessPolicy>(
            "has(self.mtls) || (has(self.rules) && size(self.rules) > 0)", "mtls or rules must be set",
            [](const AccessPolicy& p) { return p.mtls.has_value() || !p.rules.empty(); }));
  }
};

}  // namespace tulle::resources
