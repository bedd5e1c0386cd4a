#pragma once

#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "lib/base/result.h"
#include "lib/telemetry/registry.h"
#include "sidecar/admin/app_probe.h"
#include "sidecar/admin/prober.h"
#include "sidecar/admin/readiness.h"
#include "sidecar/admin/server.h"

namespace tulle::sidecar::admin {

// The small HTTP servers beside the data plane, on one thread of their own: metrics (15020), readiness and
// the app's probes (15021), and on loopback the admin port (15000).
class Servers {
 public:
  struct Options {
    // Of metrics and readiness; IPv6 where there is any.
    io::SocketAddress listen_v4, listen_v6;
    // 0 for none.
    uint16_t metrics_port = 15020;
    uint16_t ready_port = 15021;
    uint16_t admin_port = 15000;
    io::SocketAddress app;  // where the app listens, on whatever port
    std::map<std::string, AppProbe> probes;
  };
  Servers(Options options, telemetry::Registry& registry, const Readiness& readiness);
  ~Servers();

  base::Result<bool> Start();

 private:
  // What a port shows.
  struct Pages {
    bool metrics = false;
    bool ready = false;
    bool probes = false;
  };
  base::Result<bool> Serve(uint16_t port, Pages pages, bool loopback);
  io::Task<Answer> Give(Pages pages, std::string_view path);

  Options options_;
  const telemetry::Registry& registry_;
  const Readiness& readiness_;
  overload::LimitCounts limits_;
  io::Loop loop_;
  Prober prober_;
  std::vector<std::unique_ptr<Server>> servers_;
  std::thread thread_;
};

}  // namespace tulle::sidecar::admin
