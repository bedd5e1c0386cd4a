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

// The rule that takes what no Route took.
meshconfig::RouteRule LastRule(const Index& index, const model::Service& service, int64_t port,
                               const model::Split* split, Verdicts& verdicts) {
  meshconfig::RouteRule rule;
  const std::string key = model::Key(service.ns, service.name);
  if (split == nullptr) {
    rule.name = meshconfig::ServiceName(key);
    rule.backends.push_back({rule.name, meshconfig::EndpointsName(key), port, 1, std::nullopt});
    return rule;
  }
  rule.name = "split/" + split->meta.Key();
  for (size_t i = 0; i < split->spec->backends.size(); ++i) {
    rule.backends.push_back(ResolveBackend(index, service, port, split->spec->backends[i],
                                           rule.name + "#" + std::to_string(i), At("spec.backends", i),
                                           verdicts[&split->meta]));
  }
  return rule;
}

void AddRouteRules(const Index& index, const model::Service& service, const model::Route& route,
                   const meshconfig::RouteRule& last, meshconfig::ServicePort& port, Verdicts& verdicts) {
  for (size_t i = 0; i < route.spec->rules.size(); ++i) {
    const resources::RouteRule& from = route.spec->rules[i];
    meshconfig::RouteRule rule;
    rule.name = "route/" + route.meta.Key() + "#" + std::to_string(i);
    rule.matches = from.matches;
    rule.timeout = from.timeout;
    rule.retry = from.retry;
    for (size_t j = 0; j < from.backends.size(); ++j) {
      rule.backends.push_back(
          ResolveBackend(index, service, port.port, from.backends[j], rule.name + "." + std::to_string(j),
                         At(At("spec.rules", i) + ".backends", j), verdicts[&route.meta]));
    }
    if (rule.backends.empty()) rule.backends = last.backends;
    port.rules.push_back(std::move(rule));
  }
}

// The oldest Split of a port decides; the others are told by whom they lost.
const model::Split* DecidingSplit(const Index& index, const std::string& key, int64_t port) {
  for (const model::Split* split : Of(index.splits, key)) {
    if (ForPort(split->spec->port, port)) return split;
  }
  return nullptr;
}

void TellLosers(const Index& index, const model::Service& service, const std::string& key,
                Verdicts& verdicts) {
  for (const model::Split* split : Of(index.splits, key)) {
    bool wins_any = false;
    std::string lost;
    for (const model::ServicePort& port : service.ports) {
      if (!ForPort(split->spec->port, port.port)) continue;
      const model::Split* winner = DecidingSplit(index, key, port.port);
      if (winner == split) {
        wins_any = true;
      } else {
        lost += (lost.empty() ? "" : "; ") + std::string("port ") + std::to_string(port.port) +
                " is decided by the older " + winner->meta.Text();
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

meshconfig::Service CompileService(const Index& index, const model::Service& service, Verdicts& verdicts) {
  meshconfig::Service compiled;
  const std::string key = model::Key(service.ns, service.name);
  compiled.name = key;
  compiled.policy = PolicyOf(index, key, verdicts);
  for (const model::ServicePort& from : service.ports) {
    meshconfig::ServicePort port;
    port.port = from.port;
    port.protocol = DeclaredProtocol(from.app_protocol, from.name);
    meshconfig::RouteRule last =
        LastRule(index, service, from.port, DecidingSplit(index, key, from.port), verdicts);
    for (const model::Route* route : Of(index.routes, key)) {
      if (ForPort(route->spec->port, from.port)) AddRouteRules(index, service, *route, last, port, verdicts);
    }
    port.rules.push_back(std::move(last));
    compiled.ports.push_back(std::move(port));
  }
  TellLosers(index, service, key, verdicts);
  return compiled;
}

}  // namespace tulle::control::compile
