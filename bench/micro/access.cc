#include "sidecar/access/access.h"

#include <benchmark/benchmark.h>

#include <string>

#include "lib/http/head.h"
#include "lib/meshconfig/types.h"

namespace tulle::sidecar::access {
namespace {

// `count` Allow rules for one service account and one prefix each, of which the last lets the caller in.
Policy Allowing(int64_t count) {
  meshconfig::Workload workload;
  workload.name = "shop/web";
  for (int64_t i = count - 1; i >= 0; --i) {
    meshconfig::AccessRule rule;
    rule.name = "shop/allow#" + std::to_string(i);
    rule.from.emplace_back().service_accounts.push_back("shop/client" + std::to_string(i));
    meshconfig::PathMatch path;
    path.prefix = "/items";
    rule.to.emplace_back().paths.push_back(path);
    workload.rules.push_back(rule);
  }
  return Policy(workload);
}

void EvaluateLast(benchmark::State& state) {
  const Policy policy = Allowing(state.range(0));
  const Caller caller{identity::SpiffeId{"cluster.local", "shop", "client0"}};
  http::RequestHead head;
  head.method = "GET";
  head.target = "/items/42?fields=name";
  const Call call{&caller, 8080, &head};
  if (!policy.Evaluate(call).allowed) state.SkipWithError("refused");
  for (auto _ : state) benchmark::DoNotOptimize(policy.Evaluate(call));
}
BENCHMARK(EvaluateLast)->Arg(1)->Arg(100)->Arg(10'000);

void CheckPath(benchmark::State& state) {
  const std::string path = "/shops/berlin/items/42/reviews/latest";
  for (auto _ : state) benchmark::DoNotOptimize(IsUnambiguousPath(path));
}
BENCHMARK(CheckPath);

}  // namespace
}  // namespace tulle::sidecar::access
