#include "sidecar/balance/balance.h"

namespace tulle::sidecar::balance {
namespace {

// The nth endpoint of those with that `avoid`.
size_t Nth(std::span<const Load> loads, bool avoid, size_t n) {
  for (size_t i = 0; i < loads.size(); ++i) {
    if (loads[i].avoid != avoid) continue;
    if (n-- == 0) return i;
  }
  return 0;
}

size_t Scale(uint32_t random, size_t count) { return static_cast<size_t>((uint64_t{random} * count) >> 32); }

size_t LeastRequest(std::span<const Load> loads, bool avoid, size_t count, uint64_t random) {
  const size_t first = Scale(static_cast<uint32_t>(random), count);
  if (count == 1) return Nth(loads, avoid, 0);
  size_t second = Scale(static_cast<uint32_t>(random >> 32), count - 1);
  if (second >= first) ++second;
  const size_t a = Nth(loads, avoid, first);
  const size_t b = Nth(loads, avoid, second);
  return loads[b].active < loads[a].active ? b : a;
}

}  // namespace

std::optional<size_t> Pick(meshconfig::LoadBalancing policy, std::span<const Load> loads, Cursor& cursor,
                           uint64_t random) {
  if (loads.empty()) return std::nullopt;
  size_t good = 0;
  for (const Load& load : loads) good += !load.avoid;
  const bool avoid = good == 0;
  const size_t count = avoid ? loads.size() : good;
  if (policy == meshconfig::LoadBalancing::kRoundRobin) return Nth(loads, avoid, cursor.next++ % count);
  return LeastRequest(loads, avoid, count, random);
}

}  // namespace tulle::sidecar::balance
