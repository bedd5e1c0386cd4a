#include "operator/compile/gateway.h"

#include <algorithm>

#include "lib/meshconfig/names.h"
#include "operator/compile/gateway_refs.h"
#include "operator/compile/refs.h"

namespace tulle::control::compile {
namespace {

struct CompiledRoute {
  const model::GatewayRoute* route = nullptr;
  std::vector<ResolvedRule> rules;
  Unresolved unresolved;
};

// Routes that a group of callers hears of: everybody (""), or those of one namespace.
struct Attached {
  std::vector<const CompiledRoute*> routes;  // the oldest first
  model::CustomKind kind = model::CustomKind::kHttpRoute;
};

using Port = std::pair<std::string, int64_t>;
using Callers = std::string;

// The ports of the Service that a parent means; empty, with the reason, where there is none.
std::vector<int64_t> PortsOf(const model::Model& model, const std::string& key,
                             const model::ParentRef& parent, std::string& trouble) {
  const auto service = model.services.find(key);
  if (service == model.services.end()) {
    trouble = "Service " + key + " does not exist";
  } else if (service->second.cluster_ips.empty()) {
    trouble = "Service " + key + " is headless: its callers call pods, not the Service";
  }
  if (!trouble.empty()) return {};
  std::vector<int64_t> ports;
  for (const model::ServicePort& port : service->second.ports) {
    if (parent.port && *parent.port != port.port) continue;
    if (parent.section_name && *parent.section_name != port.name) continue;
    ports.push_back(port.port);
  }
  if (ports.empty()) trouble = "Service " + key + " has no such port";
  return ports;
}

class GatewayCompiler {
 public:
  explicit GatewayCompiler(const model::Model& model) : model_(model) {}

  Gateway Run() {
    for (const auto& [key, route] : model_.grpc_routes) Open(route);
    for (const auto& [key, route] : model_.http_routes) Open(route);
    // Precedes knows no kinds, but of one name there may be two: the sort keeps their order.
    std::stable_sort(routes_.begin(), routes_.end(), [](const CompiledRoute& a, const CompiledRoute& b) {
      return Precedes(a.route->meta, b.route->meta);
    });
    for (const CompiledRoute& route : routes_) Attach(route);
    for (const CompiledRoute& route : routes_) Judge(route);
    for (const auto& [place, attached] : attached_) Emit(place.first, place.second, attached);
    return std::move(gateway_);
  }

 private:
  void Open(const model::GatewayRoute& route) {
    CompiledRoute& compiled = routes_.emplace_back();
    compiled.route = &route;
    if (!route.rules) return;
    for (size_t i = 0; i < route.rules->size(); ++i) {
      compiled.rules.push_back(ResolveRule(model_, route, (*route.rules)[i],
                                           "spec.rules[" + std::to_string(i) + "]", compiled.unresolved));
    }
  }

  Callers CallersOf(const model::GatewayRoute& route, const model::ParentRef& parent) const {
    const std::string ns = parent.ns.value_or(route.meta.ns);
    return ns == route.meta.ns ? "" : route.meta.ns;
  }

  void Attach(const CompiledRoute& compiled) {
    const model::GatewayRoute& route = *compiled.route;
    if (!route.rules) return;
    for (const model::ParentRef& parent : route.parents) {
      if (!parent.IsService()) continue;
      const std::string key = KeyOf(route, parent);
      std::string trouble;
      for (const int64_t port : PortsOf(model_, key, parent, trouble)) {
        Attached& attached = attached_[{{key, port}, CallersOf(route, parent)}];
        if (attached.kind != route.meta.kind) {
          if (route.meta.kind == model::CustomKind::kHttpRoute) continue;
          attached = {{}, route.meta.kind};
        }
        if (std::find(attached.routes.begin(), attached.routes.end(), &compiled) == attached.routes.end()) {
          attached.routes.push_back(&compiled);
        }
      }
    }
  }

  void Judge(const CompiledRoute& compiled) {
    for (const model::ParentRef& parent : compiled.route->parents) {
      if (parent.IsService()) gateway_.verdicts.push_back(JudgeParent(compiled, parent));
    }
  }

  Verdict JudgeParent(const CompiledRoute& compiled, const model::ParentRef& parent) const {
    const model::GatewayRoute& route = *compiled.route;
    const std::string key = KeyOf(route, parent);
    Verdict verdict;
    verdict.meta = route.meta;
    verdict.parent = parent;
    verdict.accepted_reason = "Accepted";
    verdict.resolved = compiled.unresolved.reason.empty();
    verdict.resolved_reason = verdict.resolved ? "ResolvedRefs" : compiled.unresolved.reason;
    verdict.resolved_message = compiled.unresolved.message;
    std::string trouble;
    const std::vector<int64_t> ports = PortsOf(model_, key, parent, trouble);
    if (!route.meta.problems.empty()) {
      Refuse(verdict, "UnsupportedValue", json::JoinProblems(route.meta.problems));
      if (route.rules) verdict.accepted_message += "; the last valid version stays in force";
    } else if (ports.empty()) {
      Refuse(verdict, "NoMatchingParent", trouble);
    } else {
      JudgePorts(compiled, key, ports, CallersOf(route, parent), verdict);
    }
    if (verdict.in_force) verdict.shaped.push_back(meshconfig::ServiceName(key));
    return verdict;
  }

  static void Refuse(Verdict& verdict, const char* reason, std::string message) {
    verdict.accepted = verdict.in_force = false;
    verdict.accepted_reason = reason;
    verdict.accepted_message = std::move(message);
  }

  void JudgePorts(const CompiledRoute& compiled, const std::string& key, const std::vector<int64_t>& ports,
                  const Callers& callers, Verdict& verdict) const {
    std::string lost;
    size_t losses = 0;
    for (const int64_t port : ports) {
      const Attached& attached = attached_.at({{key, port}, callers});
      if (attached.kind == compiled.route->meta.kind) continue;
      ++losses;
      lost += (lost.empty() ? "" : "; ") + std::string("port ") + std::to_string(port) + " is decided by " +
              attached.routes.front()->route->meta.Text();
    }
    if (losses == ports.size()) {
      Refuse(verdict, "Conflicted", lost);
    } else {
      verdict.accepted_message = lost;
    }
  }

  // Puts the rules of all routes of one port in order, a rule as often as its matches stand apart.
  void Emit(const Port& port, const Callers& callers, const Attached& attached) {
    struct Step {
      const model::GatewayMatch* match;
      const ResolvedRule* rule;
    };
    std::vector<Step> steps;
    for (const CompiledRoute* route : attached.routes) {
      for (const ResolvedRule& rule : route->rules) {
        for (const model::GatewayMatch& match : rule.rule->matches) steps.push_back({&match, &rule});
      }
    }
    std::stable_sort(steps.begin(), steps.end(),
                     [](const Step& a, const Step& b) { return a.match->rank > b.match->rank; });
    GatewayRules& into = gateway_.ports[port];
    std::vector<meshconfig::RouteRule>& rules = callers.empty() ? into.producers : into.consumers;
    const ResolvedRule* last = nullptr;
    for (const Step& step : steps) {
      if (step.rule != last) rules.push_back(step.rule->compiled);
      last = step.rule;
      rules.back().matches.push_back(ForCallers(step.match->match, callers));
    }
    const model::GatewayRoute& oldest = *attached.routes.front()->route;
    rules.push_back(NoMatch(oldest, callers));
    if (callers.empty()) into.decided_by = oldest.meta.Text();
  }

  static meshconfig::RequestMatch ForCallers(meshconfig::RequestMatch match, const Callers& callers) {
    if (!callers.empty()) match.source = meshconfig::SourceMatch{callers, std::nullopt};
    return match;
  }

  static meshconfig::RouteRule NoMatch(const model::GatewayRoute& oldest, const Callers& callers) {
    meshconfig::RouteRule rule;
    rule.name = RouteName(oldest) + "#no-match";
    if (!callers.empty()) rule.matches.push_back(ForCallers({}, callers));
    rule.respond = meshconfig::DirectResponse{404, "no rule of " + oldest.meta.Text() + " matches\n"};
    return rule;
  }

  const model::Model& model_;
  std::vector<CompiledRoute> routes_;
  std::map<std::pair<Port, Callers>, Attached> attached_;
  Gateway gateway_;
};

}  // namespace

Gateway CompileGateway(const model::Model& model) { return GatewayCompiler(model).Run(); }

}  // namespace tulle::control::compile
