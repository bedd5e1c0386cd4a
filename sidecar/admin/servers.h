#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "lib/base/result.h"
#include "lib/telemetry/registry.h"
#include "sidecar/admin/app_probe.h"
#include "sidecar/admin/readiness.h"

namespace tulle::sidecar::admin {

// The small HTTP servers beside the data plane, on threads of their own: metrics (15020), readiness and the
// app's probes (15021), and on loopback the admin port (15000).
class Servers {
 public:
  struct Options {
    std::string listen = "::";  // of metrics and readiness; falls back to IPv4 where there is no IPv6
    uint16_t metrics_port = 15020;
    uint16_t ready_port = 15021;
    uint16_t admin_port = 15000;
    std::string app_ip;  // where the app listens
    std::map<std::string, AppProbe> probes;
  };
  Servers(Options options, const telemetry::Registry& registry, const Readiness& readiness);
  ~Servers();

  base::Result<bool> Start();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tulle::sidecar::admin
