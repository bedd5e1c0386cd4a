#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/duration.h"
#include "lib/json/fields.h"
#include "lib/meshconfig/match.h"
#include "lib/meshconfig/protection.h"

// Who may call: the part of mesh config that AccessPolicies shape.
namespace tulle::meshconfig {

enum class MtlsMode { kStrict, kPermissive };
constexpr auto Names(MtlsMode) {
  return std::array<std::pair<MtlsMode, std::string_view>, 2>{
      {{MtlsMode::kStrict, "Strict"}, {MtlsMode::kPermissive, "Permissive"}}};
}

enum class AccessAction { kAllow, kDeny };
constexpr auto Names(AccessAction) {
  return std::array<std::pair<AccessAction, std::string_view>, 2>{
      {{AccessAction::kAllow, "Allow"}, {AccessAction::kDeny, "Deny"}}};
}

// All non-empty members must match; a caller without a verified identity matches no identity, namespace or
// account.
struct AccessFrom {
  std::vector<std::string> identities;  // whole SPIFFE ids
  std::vector<std::string> namespaces;
  std::vector<std::string> service_accounts;  // "namespace/name"

  bool operator==(const AccessFrom&) const = default;
  static constexpr auto Describe() {
    return json::Object(
        "Who calls. All fields that are given must match; names are literal.",
        json::Field("identities", &AccessFrom::identities, "SPIFFE ids of callers; any of them.",
                    {.min_items = 1,
                     .max_items = 64,
                     .pattern = "spiffe://[^/]+(/[^/]+)+",
                     .max_value_length = 2048}),
        json::Field("namespaces", &AccessFrom::namespaces, "Namespaces of callers; any of them.",
                    {.min_items = 1,
                     .max_items = 64,
                     .pattern = "[a-z0-9]([-a-z0-9]*[a-z0-9])?",
                     .max_value_length = 63}),
        json::Field("serviceAccounts", &AccessFrom::service_accounts,
                    "Service accounts of callers as namespace/name; any of them.",
                    {.min_items = 1,
                     .max_items = 64,
                     .pattern = "[a-z0-9]([-a-z0-9]*[a-z0-9])?/[a-z0-9]([-a-z0-9.]*[a-z0-9])?",
                     .max_value_length = 317}),
        json::Rule<AccessFrom>("has(self.identities) || has(self.namespaces) || has(self.serviceAccounts)",
                               "at least one of identities, namespaces and serviceAccounts must be set",
                               [](const AccessFrom& f) {
                                 return !f.identities.empty() || !f.namespaces.empty() ||
                                        !f.service_accounts.empty();
                               }));
  }
};

struct AccessTo {
  std::vector<int64_t> ports;
  std::vector<std::string> methods;
  std::vector<PathMatch> paths;

  bool operator==(const AccessTo&) const = default;
  static constexpr auto Describe() {
    return json::Object(
        "What is called. All fields that are given must match. Methods and paths exist only in HTTP: on a "
        "connection that is not HTTP, an Allow rule that names them matches nothing and a Deny rule that "
        "names them matches by its other fields.",
        json::Field("ports", &AccessTo::ports, "Ports of the pod; any of them.",
                    {.minimum = 1, .maximum = 65535, .min_items = 1, .max_items = 64}),
        json::Field("methods", &AccessTo::methods, "HTTP methods; any of them.",
                    {.min_items = 1, .max_items = 16, .pattern = "[A-Z][A-Z0-9_-]*", .max_value_length = 32}),
        json::Field("paths", &AccessTo::paths, "HTTP paths; any of them.", {.min_items = 1, .max_items = 64}),
        json::Rule<AccessTo>("has(self.ports) || has(self.methods) || has(self.paths)",
                             "at least one of ports, methods and paths must be set", [](const AccessTo& t) {
                               return !t.ports.empty() || !t.methods.empty() || !t.paths.empty();
                             }));
  }
};

struct AccessRule {
  std::string name;  // "shop/allow-web#2": policy and index of the rule
  AccessAction action = AccessAction::kAllow;
  std::vector<AccessFrom> from;  // any of them; none = everybody
  std::vector<AccessTo> to;      // any of them; none = everything

  bool operator==(const AccessRule&) const = default;
  static constexpr auto Describe() {
    return json::Object("One access rule.", json::Field("name", &AccessRule::name, "policy#index"),
                        json::Field("action", &AccessRule::action, "What happens on a match."),
                        json::Field("from", &AccessRule::from, "Any of these callers; none means everybody."),
                        json::Field("to", &AccessRule::to, "Any of these targets; none means everything."));
  }
};

// Who shares a limit.
enum class RateKey { kEveryone, kIdentity, kHeader };
constexpr auto Names(RateKey) {
  return std::array<std::pair<RateKey, std::string_view>, 3>{
      {{RateKey::kEveryone, "Everyone"}, {RateKey::kIdentity, "Identity"}, {RateKey::kHeader, "Header"}}};
}

struct RateLimit {
  std::string name;  // "shop/web#0": policy and index of the limit
  Mode mode = Mode::kEnforce;
  int64_t requests = 1;
  base::Duration per = std::chrono::seconds(1);
  int64_t burst = 1;
  RateKey by = RateKey::kEveryone;
  std::string header;
  std::vector<AccessTo> to;  // any of them; none = everything

  bool operator==(const RateLimit&) const = default;
  static constexpr auto Describe() {
    return json::Object(
        "How many requests may come in.", json::Field("name", &RateLimit::name, "policy#index"),
        json::Field("mode", &RateLimit::mode, "Shadow refuses nothing."),
        json::Field("requests", &RateLimit::requests, "So many.", {.minimum = 1, .maximum = 1000000}),
        json::Field("per", &RateLimit::per, "In that time.", {.minimum = 1000, .maximum = 3600000}),
        json::Field("burst", &RateLimit::burst, "So many at once.", {.minimum = 1, .maximum = 1000000}),
        json::Field("by", &RateLimit::by, "Who shares the limit."),
        json::Field("header", &RateLimit::header, "Whose values have a limit each."),
        json::Field("to", &RateLimit::to, "Any of these targets; none means everything."));
  }
};

}  // namespace tulle::meshconfig
