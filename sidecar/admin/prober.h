#pragma once

#include <memory>

#include "lib/base/result.h"
#include "lib/io/stream.h"
#include "lib/tls/context.h"
#include "sidecar/admin/app_probe.h"

namespace tulle::sidecar::admin {

struct ProbeResult {
  bool healthy = false;
  int status = 503;  // what to tell the kubelet
  std::string detail;
};

// Makes the checks of the app that a kubelet would make, in its manner: HTTP, HTTPS with whatever
// certificate, TCP, and gRPC health without TLS. Lives on its loop.
class Prober {
 public:
  // The port of `app` does not matter.
  Prober(io::Loop& loop, io::SocketAddress app) : loop_(loop), app_(app) {}

  // Takes no longer than the probe's timeout. `probe` must outlive the task.
  io::Task<ProbeResult> Run(const AppProbe& probe);

 private:
  using Dialed = base::Result<std::unique_ptr<io::Stream>>;
  io::Task<Dialed> Dial(const AppProbe& probe, io::TimePoint deadline);
  io::Task<Dialed> Secure(std::unique_ptr<io::Socket> socket, io::TimePoint deadline);
  io::Task<ProbeResult> AskHttp(io::Stream& stream, const AppProbe& probe);

  io::Loop& loop_;
  io::SocketAddress app_;
  std::shared_ptr<const tls::Context> context_;  // once it was needed
};

}  // namespace tulle::sidecar::admin
