#include "operator/compile/service.h"

#include "lib/meshconfig/names.h"
#include "operator/compile/protocol.h"
#include "operator/compile/refs.h"

namespace tulle::control::compile {
namespace {

bool ForPort(std::optional<int64_t> wanted, int64_t port) { return !wanted || *wanted == port; }

std::string At(const std::string& field, size_t index) { return field + "[" + std::to_string(index) + "]"; }

template <class T>
const std::vector<const T*>& Of(const std::map<std::string, std::vector<const T*>>& lists,
                                const std::string& key) {
  static const std::vector<const T*> kNone;
  const auto found = lists.find(key);
  return found == lists.end() ? kNone : found->second;
}

// The rule that takes what no Route took and no override of a Split.
meshconfig::RouteRule LastRule(const Index& index, const model::Service& service, int64_t port,
                               const model::Split* split, Verdicts& verdicts) {
  meshconfig::RouteRule rule;
  const std::string key = model::Key(service.ns, service.name);
  if (split == nullptr) {
    rule.name = meshconfig::ServiceName(key);
    rule.backends.push_back({rule.name, meshconfig::EndpointsName(key), port, 1, {}, {}, {}});
    return rule;
  }
  rule.name = "split/" + split->meta.Key();
  rule.sticky = split->spec->sticky;
  for (size_t i = 0; i < split->spec->backends.size(); ++i) {
    rule.backends.push_back(ResolveBackend(index, service, port, split->spec->backends[i],
                                           rule.name + "#" + std::to_string(i), At("spec.backends", i),
                                           verdicts[&split->meta]));
  }
  return rule;
}

void AddOverrides(const Index& index, const model::Service& service, const model::Split& split,
                  meshconfig::ServicePort& port, Verdicts& verdicts) {
  for (size_t i = 0; i < split.spec->overrides.size(); ++i) {
    const resources::SplitOverride& from = split.spec->overrides[i];
    meshconfig::RouteRule rule;
    rule.name = "split/" + split.meta.Key() + "#override-" + std::to_string(i);
    rule.matches = from.matches;
    rule.backends.push_back(ResolveBackend(index, service, port.port, from.backend, rule.name,
                                           At("spec.overrides", i) + ".backend", verdicts[&split.meta]));
    rule.backends.back().weight = 1;
    port.rules.push_back(std::move(rule));
  }
}

meshconfig::Mirror ResolveMirror(const Index& index, const model::Service& service, int64_t port,
                                 const resources::Mirror& from, const std::string& source,
                                 const std::string& path, Verdict& verdict) {
  const resources::Backend backend{from.service, from.port, from.labels, 1, {}, {}};
  return {ResolveBackend(index, service, port, backend, source, path, verdict), from.percent * 10000};
}

// What a rule does, apart from whom it is for and where it sends.
void CopyActions(const resources::RouteRule& from, meshconfig::RouteRule& rule) {
  rule.request_headers = from.request_headers;
  rule.response_headers = from.response_headers;
  rule.rewrite = from.rewrite;
  rule.redirect = from.redirect;
  rule.respond = from.respond;
  rule.fault = from.fault;
  rule.timeout = from.timeout;
  rule.retry = from.retry;
}

void AddRouteRules(const Index& index, const model::Service& service, const model::Route& route,
                   const meshconfig::RouteRule& last, meshconfig::ServicePort& port, Verdicts& verdicts) {
  Verdict& verdict = verdicts[&route.meta];
  for (size_t i = 0; i < route.spec->rules.size(); ++i) {
    const resources::RouteRule& from = route.spec->rules[i];
    const std::string at = At("spec.rules", i);
    meshconfig::RouteRule rule;
    rule.name = "route/" + route.meta.Key() + "#" + std::to_string(i);
    rule.matches = from.matches;
    CopyActions(from, rule);
    for (size_t j = 0; j < from.backends.size(); ++j) {
      rule.backends.push_back(ResolveBackend(index, service, port.port, from.backends[j],
                                             rule.name + "." + std::to_string(j), At(at + ".backends", j),
                                             verdict));
    }
    for (size_t j = 0; j < from.mirrors.size(); ++j) {
      rule.mirrors.push_back(ResolveMirror(index, service, port.port, from.mirrors[j], rule.name,
                                           At(at + ".mirrors", j), verdict));
    }
    rule.sticky = from.sticky;
    if (rule.backends.empty() && !rule.redirect && !rule.respond) {
      rule.backends = last.backends;
      if (!rule.sticky) rule.sticky = last.sticky;
    }
    port.rules.push_back(std::move(rule));
  }
}

// Empty where the Gateway API says nothing about a port.
const GatewayRules& RulesOf(const Gateway& gateway, const std::string& key, int64_t port) {
  static const GatewayRules kNone;
  const auto found = gateway.ports.find({key, port});
  return found == gateway.ports.end() ? kNone : found->second;
}

// A limit for one attempt says nothing about how many there are.
void AddStandardRules(const std::vector<meshconfig::RouteRule>& rules, const meshconfig::CallPolicy& policy,
                      meshconfig::ServicePort& port) {
  for (const meshconfig::RouteRule& rule : rules) {
    port.rules.push_back(rule);
    if (port.rules.back().retry) port.rules.back().retry->attempts = policy.retry.attempts;
  }
}

// The oldest Split of a port decides, if no producer route of the Gateway API does; the others are told by
// whom they lost.
const model::Split* DecidingSplit(const Index& index, const GatewayRules& gateway, const std::string& key,
                                  int64_t port) {
  if (!gateway.producers.empty()) return nullptr;
  for (const model::Split* split : Of(index.splits, key)) {
    if (ForPort(split->spec->port, port)) return split;
  }
  return nullptr;
}

void TellLosers(const Index& index, const Gateway& gateway, const model::Service& service,
                const std::string& key, Verdicts& verdicts) {
  for (const model::Split* split : Of(index.splits, key)) {
    bool wins_any = false;
    std::string lost;
    for (const model::ServicePort& port : service.ports) {
      if (!ForPort(split->spec->port, port.port)) continue;
      const GatewayRules& standard = RulesOf(gateway, key, port.port);
      const model::Split* winner = DecidingSplit(index, standard, key, port.port);
      if (winner == split) {
        wins_any = true;
      } else {
        lost += (lost.empty() ? "" : "; ") + std::string("port ") + std::to_string(port.port) +
                " is decided by " +
                (winner == nullptr ? standard.decided_by : "the older " + winner->meta.Text());
      }
    }
    if (lost.empty()) continue;
    Verdict& verdict = verdicts[&split->meta];
    verdict.accepted_message = lost;
    if (wins_any) continue;
    verdict.accepted = verdict.in_force = false;
    verdict.accepted_reason = "Conflicted";
  }
}

meshconfig::CallPolicy PolicyOf(const Index& index, const std::string& key, Verdicts& verdicts) {
  meshconfig::CallPolicy policy;
  const auto& candidates = Of(index.traffic_policies, key);
  for (size_t i = 1; i < candidates.size(); ++i) {
    Verdict& verdict = verdicts[&candidates[i]->meta];
    verdict.accepted = verdict.in_force = false;
    verdict.accepted_reason = "Conflicted";
    verdict.accepted_message = "Service " + key + " is decided by the older " + candidates[0]->meta.Text();
  }
  if (candidates.empty()) return policy;
  const resources::TrafficPolicy& spec = *candidates[0]->spec;
  policy.source = candidates[0]->meta.Key();
  policy.load_balancing = spec.load_balancing.value_or(policy.load_balancing);
  policy.connect_timeout = spec.connect_timeout.value_or(policy.connect_timeout);
  policy.request_timeout = spec.request_timeout;
  policy.retry = spec.retry.value_or(policy.retry);
  policy.limits = spec.limits.value_or(policy.limits);
  policy.outlier_detection = spec.outlier_detection.value_or(policy.outlier_detection);
  return policy;
}

}  // namespace

meshconfig::Service CompileService(const Index& index, const Gateway& gateway, const model::Service& service,
                                   Verdicts& verdicts) {
  meshconfig::Service compiled;
  const std::string key = model::Key(service.ns, service.name);
  compiled.name = key;
  compiled.policy = PolicyOf(index, key, verdicts);
  for (const model::ServicePort& from : service.ports) {
    meshconfig::ServicePort port;
    port.port = from.port;
    port.protocol = DeclaredProtocol(from.app_protocol, from.name);
    const GatewayRules& standard = RulesOf(gateway, key, from.port);
    AddStandardRules(standard.consumers, compiled.policy, port);
    const model::Split* split = DecidingSplit(index, standard, key, from.port);
    meshconfig::RouteRule last = LastRule(index, service, from.port, split, verdicts);
    for (const model::Route* route : Of(index.routes, key)) {
      if (ForPort(route->spec->port, from.port)) AddRouteRules(index, service, *route, last, port, verdicts);
    }
    if (split != nullptr) AddOverrides(index, service, *split, port, verdicts);
    AddStandardRules(standard.producers, compiled.policy, port);
    if (standard.producers.empty()) port.rules.push_back(std::move(last));
    compiled.ports.push_back(std::move(port));
  }
  TellLosers(index, gateway, service, key, verdicts);
  return compiled;
}

}  // namespace tulle::control::compile
