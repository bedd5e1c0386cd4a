#include "sidecar/overload/counts.h"

namespace tulle::sidecar::overload {

LimitCounts::LimitCounts(::tulle::telemetry::Registry& registry, const std::string& worker) {
  for (size_t i = 0; i < kLimits; ++i) {
    counters_[i] = &registry.GetCounter("tulle_limits_total", "How often a limit was hit.",
                                        {{"limit", Name(static_cast<Limit>(i))}, {"worker", worker}});
  }
}

std::string LimitCounts::News() {
  std::string news;
  for (size_t i = 0; i < kLimits; ++i) {
    const uint64_t now = counters_[i]->value();
    if (now == told_[i]) continue;
    if (!news.empty()) news += ", ";
    news += std::string(Name(static_cast<Limit>(i))) + " " + std::to_string(now - told_[i]);
    told_[i] = now;
  }
  return news;
}

}  // namespace tulle::sidecar::overload
