#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "lib/meshconfig/protection.h"
#include "sidecar/protect/window.h"

namespace tulle::sidecar::protect {

// How many retries the requests to a Service pay for: a share of those of the last ten seconds, and a few per
// second in any case. So retries help against failures that are few, and do not multiply the load of a
// Service that has many. For all workers together: any thread may call; at the turn of a second a count may
// get lost.
class Budget {
 public:
  static constexpr int64_t kSeconds = 10;

  // A request begins.
  void Deposit(TimePoint now) { At(now).requests.fetch_add(1, std::memory_order_relaxed); }
  // Whether one of the requests may be repeated; if so, that is paid for.
  bool Withdraw(const meshconfig::RetryBudget& policy, TimePoint now);

 private:
  struct Slice {
    std::atomic<int64_t> second{-kSeconds};
    std::atomic<uint32_t> requests{0};
    std::atomic<uint32_t> retries{0};
  };
  Slice& At(TimePoint now);

  std::array<Slice, kSeconds> slices_;
};

}  // namespace tulle::sidecar::protect
