#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lib/base/result.h"
#include "lib/io/loop.h"
#include "lib/telemetry/registry.h"
#include "sidecar/admin/readiness.h"
#include "sidecar/admin/servers.h"
#include "sidecar/app/settings.h"
#include "sidecar/app/worker.h"
#include "sidecar/config/client.h"
#include "sidecar/identity/certificate_keeper.h"
#include "sidecar/identity/state_dir.h"
#include "sidecar/overload/monitor.h"
#include "sidecar/telemetry/access_log.h"

namespace tulle::sidecar::app {

// The whole process: the control loop with identity and config, the workers, the small servers. Everything is
// built and owned here, in the order in which it is needed, and destroyed in the reverse.
class Sidecar {
 public:
  static base::Result<std::unique_ptr<Sidecar>> Make(const Settings& settings);
  ~Sidecar();

  // Until Stop and the drain that follows; the control loop runs on the calling thread.
  void Run();
  // Any thread, also a second time to end at once.
  void Stop();

 private:
  Sidecar(const Settings& settings, Facts facts);

  size_t PlanCapacity();
  void OnCertificate(const identity::Certified& certified);
  void OnSnapshot(std::shared_ptr<const config::Snapshot> snapshot, std::function<void()> in_force);
  io::Task<void> ReportLoop();
  io::Task<void> Drain();

  Settings settings_;
  Facts facts_;
  ::tulle::telemetry::Registry registry_;
  admin::Readiness readiness_;
  telemetry::AccessLog access_log_;
  identity::StateDir state_;
  io::Loop loop_;
  std::unique_ptr<identity::CertificateKeeper> certificates_;
  std::unique_ptr<config::Client> config_;
  std::unique_ptr<overload::Monitor> monitor_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<admin::Servers> servers_;
  bool stopping_ = false;
};

}  // namespace tulle::sidecar::app
