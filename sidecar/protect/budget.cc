#include "sidecar/protect/budget.h"

namespace tulle::sidecar::protect {
namespace {

int64_t SecondOf(TimePoint now) { return now.time_since_epoch() / std::chrono::seconds(1); }

}  // namespace

Budget::Slice& Budget::At(TimePoint now) {
  const int64_t second = SecondOf(now);
  Slice& slice = slices_[static_cast<size_t>(second % kSeconds)];
  if (slice.second.load(std::memory_order_relaxed) != second &&
      slice.second.exchange(second, std::memory_order_relaxed) != second) {
    slice.requests.store(0, std::memory_order_relaxed);
    slice.retries.store(0, std::memory_order_relaxed);
  }
  return slice;
}

bool Budget::Withdraw(const meshconfig::RetryBudget& policy, TimePoint now) {
  Slice& current = At(now);
  const int64_t oldest = SecondOf(now) - kSeconds + 1;
  int64_t requests = 0, retries = 0;
  for (const Slice& slice : slices_) {
    if (slice.second.load(std::memory_order_relaxed) < oldest) continue;
    requests += slice.requests.load(std::memory_order_relaxed);
    retries += slice.retries.load(std::memory_order_relaxed);
  }
  if (retries * 100 >= requests * policy.percent + policy.minimum_per_second * kSeconds * 100) return false;
  current.retries.fetch_add(1, std::memory_order_relaxed);
  return true;
}

}  // namespace tulle::sidecar::protect
