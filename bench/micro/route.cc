#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "lib/http/head.h"
#include "lib/meshconfig/types.h"
#include "sidecar/route/router.h"

namespace tulle::sidecar::route {
namespace {

// `count` rules of one prefix each, of which the last is the one that matches.
std::vector<Rule> Prefixes(int64_t count) {
  std::vector<Rule> rules;
  for (int64_t i = count - 1; i >= 0; --i) {
    meshconfig::RouteRule rule;
    rule.name = "route/shop/web#" + std::to_string(i);
    meshconfig::RequestMatch match;
    match.path.emplace();
    match.path->prefix = "/part" + std::to_string(i);
    rule.matches.push_back(match);
    rule.backends.emplace_back();
    rules.emplace_back(rule);
  }
  return rules;
}

void DecideLast(benchmark::State& state) {
  const std::vector<Rule> rules = Prefixes(state.range(0));
  http::RequestHead head;
  head.method = "GET";
  head.target = "/part0/items/42?fields=name";
  if (Decide(rules, {&head}, 1).rule != &rules.back()) state.SkipWithError("another rule matches");
  uint64_t random = 1;
  for (auto _ : state) benchmark::DoNotOptimize(Decide(rules, {&head}, random += 0x9e3779b97f4a7c15));
}
BENCHMARK(DecideLast)->Arg(1)->Arg(10)->Arg(100);

}  // namespace
}  // namespace tulle::sidecar::route
