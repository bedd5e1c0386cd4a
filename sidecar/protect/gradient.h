#pragma once

#include <cstdint>
#include <string_view>

#include "lib/meshconfig/protection.h"
#include "sidecar/protect/window.h"

// How many requests an app is given at a time, found out from how long it takes for them. Pure.
namespace tulle::sidecar::protect {

// Who goes first when not all can: the lower the class, the sooner it is refused.
enum class Priority : uint8_t { kLow, kNormal, kHigh };
// Of the value of a `priority` header (RFC 9218): urgency 0 and 1 are high, 5 to 7 low, 3 is the default.
Priority PriorityOf(std::string_view header);

// A limit of requests in flight. As long as answers take as long as they do without a queue, it grows; where
// they take longer, it shrinks in proportion. What they take without a queue is measured from time to time,
// with the limit halved for a moment.
class Gradient {
 public:
  explicit Gradient(const meshconfig::Concurrency& policy)
      : policy_(policy), limit_(static_cast<double>(policy.initial)) {}

  // A request begins, or is one too many. In shadow mode it is for the caller to let it pass.
  bool Begin(Priority priority, TimePoint now);
  // A request that was let pass is over. `took` is zero for one that says nothing about the app.
  void End(Duration took, TimePoint now);

  int64_t limit() const { return static_cast<int64_t>(Allowed()); }
  int64_t in_flight() const { return in_flight_; }

 private:
  struct Sample {
    double log_sum = 0;  // of the logarithms, so that a few long ones do not count for all
    int64_t count = 0;
    void Add(Duration took);
    double seconds() const;
  };
  double Allowed() const;
  void Turn(TimePoint now);
  void Adapt(double seconds);

  const meshconfig::Concurrency policy_;
  double limit_;
  int64_t in_flight_ = 0;
  int64_t most_in_flight_ = 0;  // of the period
  bool measuring_ = false;      // what answers take without a queue
  double unqueued_ = 0;         // seconds; 0: not known yet
  TimePoint period_began_{};
  TimePoint measure_at_{};
  TimePoint settled_at_{};  // since then, those who began before the limit was halved have gone
  Sample sample_;
};

}  // namespace tulle::sidecar::protect
