#pragma once

#include <memory>
#include <optional>

#include "sidecar/app/worker.h"
#include "sidecar/exchange/exchange.h"

namespace tulle::sidecar::app {

// Endpoints of a backend, as the snapshot at the moment of each pick has them.
class BackendPicker final : public exchange::Picker {
 public:
  // `service` stays until the picker goes.
  BackendPicker(Worker& worker, const meshconfig::WeightedBackend& backend, const config::Service& service)
      : worker_(worker),
        service_(service),
        cluster_(worker.clusters().Get(*worker.snapshot(), backend.endpoints,
                                       static_cast<uint16_t>(backend.port))) {}

  std::shared_ptr<upstream::Host> Pick(const upstream::Tried& tried) override {
    full_ = false;
    upstream::Tried left_out = tried;
    for (int i = 0; i < kPicks; ++i) {
      auto host = PickAny(left_out);
      if (host == nullptr || HasRoom(*host)) return host;
      left_out.Add(host.get());
    }
    full_ = true;
    return nullptr;
  }
  bool full() const override { return full_; }
  bool HasUntried(const upstream::Tried& tried) const override { return cluster_->HasUntried(tried); }
  void Report(upstream::Host& host, protect::Result result) override {
    const meshconfig::OutlierDetection& policy = service_.policy.outlier_detection;
    const upstream::Verdict verdict = cluster_->Report(host, result, policy, worker_.loop().now(),
                                                       static_cast<uint32_t>(worker_.Random64()));
    if (verdict.cause == protect::Cause::kNone) return;
    worker_.probe().Outlier(service_.name, host.text(), Name(verdict.cause), verdict.ejected);
  }

 private:
  // Of many endpoints, so many that have no room stand for all.
  static constexpr int kPicks = 8;

  std::shared_ptr<upstream::Host> PickAny(const upstream::Tried& tried) {
    return cluster_->Pick(service_.policy.load_balancing, tried, worker_.loop().now(), worker_.Random64());
  }
  bool HasRoom(const upstream::Host& host) {
    const meshconfig::CallLimits& limits = service_.policy.limits;
    if (!limits.endpoint.requests || host.active() < *limits.endpoint.requests) return true;
    if (limits.mode == meshconfig::Mode::kEnforce) return false;
    worker_.probe().Limited("endpoint-requests", service_.policy.source, true);
    return true;
  }

  bool full_ = false;
  Worker& worker_;
  const config::Service& service_;
  std::shared_ptr<upstream::Cluster> cluster_;
};

// One of what the Service gets at a time, or a refusal; counted where it is over the limit.
inline protect::Held TakeOne(Worker& worker, const config::Service& service, protect::Count& count,
                             const std::optional<int64_t>& limit, const char* word) {
  const meshconfig::CallPolicy& policy = service.policy;
  protect::Held held(count, limit, policy.limits.mode);
  if (held.over()) worker.probe().Limited(word, policy.source, !held.refused());
  return held;
}

}  // namespace tulle::sidecar::app
