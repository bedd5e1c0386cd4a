#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <stop_token>
#include <string>

#include "lib/kube/client.h"

namespace tulle::kube {

// Leader election by a Lease (coordination.k8s.io/v1), as the components of Kubernetes do it. Whether another
// leader is alive is judged by how long ago, on our own monotonic clock, its Lease was seen to change, so
// clocks of different nodes never meet. The leader gives up before others may take over.
class LeaderElection {
 public:
  using Clock = std::chrono::steady_clock;

  struct Options {
    std::string ns;
    std::string name;
    std::string identity;  // ours
    std::chrono::milliseconds lease{15000};
    std::chrono::milliseconds renew_deadline{10000};
    std::chrono::milliseconds retry{2000};
  };
  LeaderElection(Client& client, Options options, std::function<void(bool leading)> on_change);

  // Until `stop`; then gives the Lease back, so that another takes over at once.
  void Run(std::stop_token stop);

  bool leading() const { return leading_; }

  // One attempt to take or keep the Lease. Exposed for tests; Run repeats it.
  void Step(Clock::time_point now);

 private:
  std::optional<nlohmann::json> Desired(const nlohmann::json& lease, Clock::time_point now);
  void Release();
  void SetLeading(bool leading);

  Client& client_;
  const Collection collection_;
  const Options options_;
  const std::function<void(bool)> on_change_;
  std::string seen_;  // resourceVersion of the Lease at its last change
  Clock::time_point seen_at_;
  Clock::time_point renewed_at_;
  std::atomic<bool> leading_ = false;
};

// Wall-clock time as Kubernetes writes it in a Lease: "2026-01-02T03:04:05.000000Z".
std::string MicroTime(std::chrono::system_clock::time_point time);
// ... and everywhere else: "2026-01-02T03:04:05Z".
std::string Rfc3339(std::chrono::system_clock::time_point time);

}  // namespace tulle::kube
