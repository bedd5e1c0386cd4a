#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <utility>

#include "sidecar/protect/budget.h"

namespace tulle::sidecar::protect {

// How many of something are in use, by all workers together.
class Count {
 public:
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  friend class Held;
  std::atomic<int64_t> value_{0};
};

// One of what `count` counts, for as long as it lives, unless there are `limit` already: then it holds
// nothing. In shadow mode it holds nonetheless. The count outlives it.
class Held {
 public:
  Held() = default;
  Held(Count& count, const std::optional<int64_t>& limit, meshconfig::Mode mode) {
    const int64_t before = count.value_.fetch_add(1, std::memory_order_relaxed);
    over_ = limit && before >= *limit;
    if (over_ && mode == meshconfig::Mode::kEnforce) {
      count.value_.fetch_sub(1, std::memory_order_relaxed);
    } else {
      count_ = &count;
    }
  }
  Held(Held&& other) noexcept : count_(other.count_), over_(other.over_) { other.count_ = nullptr; }
  Held& operator=(Held&& other) noexcept {
    std::swap(count_, other.count_);
    std::swap(over_, other.over_);
    return *this;
  }
  ~Held() {
    if (count_ != nullptr) count_->value_.fetch_sub(1, std::memory_order_relaxed);
  }

  bool over() const { return over_; }  // there were as many already
  bool holds() const { return count_ != nullptr; }
  bool refused() const { return over_ && count_ == nullptr; }

 private:
  Count* count_ = nullptr;
  bool over_ = false;
};

// What a Service gets from this sidecar at the moment. Lives as long as anybody who calls the Service.
struct Usage {
  Count connections;
  Count pending;
  Count requests;
  Count retries;
  Budget budget;
};

}  // namespace tulle::sidecar::protect
