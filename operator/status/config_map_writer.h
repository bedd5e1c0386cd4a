#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "lib/kube/client.h"
#include "lib/telemetry/registry.h"
#include "operator/status/config_maps.h"

namespace tulle::control::status {

// Keeps one ConfigMap per workload, from which a sidecar starts while every operator is down. Written only
// when its content changed and at most once per kInterval; deleted when its workload has had no pod for
// kGone. One thread of its own, which works as long as somebody calls Set.
class ConfigMapWriter {
 public:
  static constexpr std::chrono::seconds kInterval{2};
  static constexpr std::chrono::minutes kGone{10};
  static constexpr std::chrono::seconds kSweep{60};

  ConfigMapWriter(kube::Client& client, std::string ns, telemetry::Registry& metrics);
  ~ConfigMapWriter();

  void Start();
  void Set(const View& view, const std::vector<distribute::ReplicaReport>& reports);
  // We lead no longer: another may write from now on, so nothing that we remember holds.
  void Forget();

 private:
  struct Input {
    std::map<std::string, std::vector<meshconfig::Resource>> documents;  // by workload
    std::set<std::string> workloads;                                     // that have a pod
  };

  void Run(std::stop_token stop);
  void WriteAll(const Input& input, std::stop_token stop);
  bool Write(const std::string& workload, const std::string& document);
  void Sweep(const Input& input);
  bool FindOwner();

  kube::Client& client_;
  const std::string ns_;
  telemetry::Counter& writes_;
  telemetry::Counter& failures_;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::shared_ptr<const Input> input_;
  bool forget_ = false;

  // The thread's own.
  std::string owner_uid_;
  std::map<std::string, std::string> written_;  // document by workload
  std::map<std::string, std::chrono::steady_clock::time_point> gone_since_;
  std::chrono::steady_clock::time_point swept_at_;
  std::jthread thread_;
};

}  // namespace tulle::control::status
