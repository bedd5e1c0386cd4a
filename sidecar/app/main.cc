#include <pthread.h>
#include <signal.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <thread>

#include "lib/tls/memory.h"
#include "sidecar/app/sidecar.h"

namespace {

using tulle::sidecar::app::Settings;
using tulle::sidecar::app::Sidecar;

void Describe(CLI::App& app, Settings& settings) {
  const auto flag = [&app](const std::string& name, auto& value, const std::string& help) {
    std::string env = "TULLE_" + name;
    for (char& c : env) c = c == '-' ? '_' : static_cast<char>(std::toupper(c));
    return app.add_option("--" + name, value, help)->envname(env)->capture_default_str();
  };
  flag("pod-name", settings.pod_name, "Name of this pod");
  flag("pod-namespace", settings.pod_namespace, "Namespace of this pod");
  flag("pod-ip", settings.pod_ip, "Address of this pod");
  flag("service-account", settings.service_account, "Service account of this pod");
  flag("workload", settings.workload, "Workload that this pod belongs to");
  flag("node-name", settings.node_name, "Node of this pod");
  flag("trust-domain", settings.trust_domain, "Trust domain of the mesh");
  flag("operator", settings.operator_address, "Operator, host:port");
  flag("trust-bundle", settings.trust_bundle, "Roots of the mesh, PEM");
  flag("token-file", settings.token_file, "Service account token, audience tulle");
  flag("config-file", settings.config_file, "Mounted mesh config to start from");
  flag("state-dir", settings.state_dir, "Memory-backed directory that outlives a restart");
  flag("probes", settings.probes, "Health checks of the app, JSON");
  flag("access-log", settings.access_log, "off, errors or all")
      ->check(CLI::IsMember({"off", "errors", "all"}));
  flag("log-level", settings.log_level, "trace, debug, info, warn, error")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error"}));
  flag("memory-limit", settings.memory_limit, "Memory to stay within, such as 200MB; 0: what the cgroup says")
      ->transform(CLI::AsSizeValue(false));
  flag("workers", settings.workers, "Data plane threads")->check(CLI::Range(1, 64));
  flag("outbound-port", settings.outbound_port, "Port for redirected outbound traffic");
  flag("inbound-port", settings.inbound_port, "Port for redirected inbound traffic");
  flag("metrics-port", settings.metrics_port, "Port for metrics; 0 for none");
  flag("ready-port", settings.ready_port, "Port for readiness and probes; 0 for none");
  flag("admin-port", settings.admin_port, "Port of the admin server on loopback; 0 for none");
  flag("listen", settings.listen, "IPv4 address to listen on");
  flag("outbound-to", settings.outbound_to,
       "Without redirect rules: where outbound connections are taken to go");
  flag("peer-framing", settings.peer_framing, "Between sidecars, to measure: mux, http1 or http2")
      ->check(CLI::IsMember({"mux", "http1", "http2"}));
  flag("inbound-to", settings.inbound_to,
       "Without redirect rules: where inbound connections are taken to go");
}

// Keys are in this memory: no core dump, no ptrace by others of the same user.
void Harden() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  prctl(PR_SET_DUMPABLE, 0);
}

}  // namespace

int main(int argc, char** argv) {
  tulle::tls::Prepare();
  Settings settings;
  CLI::App app("tulle-sidecar: carries the traffic of one pod through the mesh");
  Describe(app, settings);
  CLI11_PARSE(app, argc, argv);
  Harden();
  spdlog::set_default_logger(spdlog::stderr_logger_mt("sidecar"));
  spdlog::set_level(spdlog::level::from_str(settings.log_level));

  // Signals are taken by one thread that waits for them; every other thread inherits the mask.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);

  auto sidecar = Sidecar::Make(settings);
  if (!sidecar) {
    spdlog::error("{}", sidecar.failure().what);
    return 1;
  }
  std::atomic<bool> ended = false;
  std::thread waiter([&] {
    for (int number = 0; sigwait(&signals, &number) == 0 && !ended;) (*sidecar)->Stop();
  });
  (*sidecar)->Run();
  ended = true;
  pthread_kill(waiter.native_handle(), SIGTERM);
  waiter.join();
  return 0;
}
