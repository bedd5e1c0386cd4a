#include "sidecar/balance/balance.h"

#include <benchmark/benchmark.h>

#include <vector>

namespace tulle::sidecar::balance {
namespace {

void PickOne(benchmark::State& state, meshconfig::LoadBalancing policy) {
  std::vector<Load> loads(static_cast<size_t>(state.range(0)));
  for (size_t i = 0; i < loads.size(); ++i) loads[i].active = static_cast<uint32_t>(i % 3);
  Cursor cursor;
  uint64_t random = 1;
  for (auto _ : state) benchmark::DoNotOptimize(Pick(policy, loads, cursor, random += 0x9e3779b97f4a7c15));
}
BENCHMARK_CAPTURE(PickOne, least_request, meshconfig::LoadBalancing::kLeastRequest)
    ->Arg(2)
    ->Arg(10)
    ->Arg(100);
BENCHMARK_CAPTURE(PickOne, round_robin, meshconfig::LoadBalancing::kRoundRobin)->Arg(2)->Arg(10)->Arg(100);

}  // namespace
}  // namespace tulle::sidecar::balance
