#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <csignal>
#include <optional>
#include <string>
#include <thread>

#include "lib/kube/client.h"
#include "lib/telemetry/registry.h"
#include "webhook/inject/inject.h"
#include "webhook/serving/keeper.h"
#include "webhook/serving/server.h"
#include "webhook/serving/slot.h"
#include "webhook/serving/trust_bundle.h"

// tulle-webhook: two listeners, and a main thread that keeps the serving certificate until SIGTERM.
namespace tulle::webhook {
namespace {

struct Flags {
  std::string listen = ":15017";
  std::string health = ":15014";
  std::string ns = "tulle-system";
  inject::Settings settings = {.sidecar_image = "docker.io/tulle/sidecar:0.1.0",
                               .init_image = "docker.io/tulle/init:0.1.0",
                               .trust_domain = "cluster.local",
                               .operator_address = "",
                               .trust_bundle = ""};
  int64_t certificate_hours = 90 * 24;
  int64_t drain_seconds = 3;
  std::string log_level = "info";
  kube::ClientOptions kube = {.server = ""};
};

void Declare(CLI::App& app, Flags& flags) {
  const auto add = [&app](const std::string& name, const char* variable, auto& target, const char* help) {
    return app.add_option(name, target, help)->envname(variable)->capture_default_str();
  };
  add("--listen", "TULLE_LISTEN", flags.listen, "address of the admission endpoints (TLS)");
  add("--health", "TULLE_HEALTH", flags.health, "address of /healthz, /readyz and /metrics");
  add("--namespace", "TULLE_NAMESPACE", flags.ns, "namespace of the control plane");
  add("--sidecar-image", "TULLE_SIDECAR_IMAGE", flags.settings.sidecar_image, "image of injected sidecars");
  add("--init-image", "TULLE_INIT_IMAGE", flags.settings.init_image, "image of injected init containers");
  add("--trust-domain", "TULLE_TRUST_DOMAIN", flags.settings.trust_domain, "trust domain of the mesh");
  add("--operator-address", "TULLE_OPERATOR_ADDRESS", flags.settings.operator_address,
      "host:port that sidecars get config and certificates from; empty: "
      "tulle-operator.<namespace>.svc:15010");
  add("--certificate-hours", "TULLE_CERTIFICATE_HOURS", flags.certificate_hours,
      "life of the serving certificate")
      ->check(CLI::Range(int64_t{1}, int64_t{10} * 365 * 24));
  add("--drain-seconds", "TULLE_DRAIN_SECONDS", flags.drain_seconds,
      "time after SIGTERM in which requests are still taken, until the API server has stopped sending them")
      ->check(CLI::Range(0, 300));
  add("--log-level", "TULLE_LOG_LEVEL", flags.log_level, "trace, debug, info, warn or error")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error"}));
  add("--kube-server", "TULLE_KUBE_SERVER", flags.kube.server,
      "URL of the API server; empty: the cluster of this pod");
  add("--kube-token-file", "TULLE_KUBE_TOKEN_FILE", flags.kube.token_file,
      "with --kube-server: bearer token");
  add("--kube-ca-file", "TULLE_KUBE_CA_FILE", flags.kube.ca_file, "with --kube-server: its roots");
}

void SetUpLog(const std::string& level) {
  spdlog::set_default_logger(spdlog::stderr_color_mt("tulle-webhook"));
  spdlog::set_level(spdlog::level::from_str(level));
}

// Blocks the signals that end the process in every thread that is made from now on.
sigset_t BlockEndSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

// Whether the process was asked to end within this time.
bool AskedToEnd(const sigset_t& signals, std::chrono::seconds wait) {
  const timespec timeout = {.tv_sec = wait.count(), .tv_nsec = 0};
  return sigtimedwait(&signals, nullptr, &timeout) > 0;
}

// Keeps the certificate until the process is asked to end.
void KeepCertificate(serving::CertificateKeeper& keeper, serving::CertificateSlot& slot,
                     telemetry::Registry& registry, std::atomic<bool>& announced, const sigset_t& signals) {
  constexpr std::chrono::seconds kRetry{2};
  telemetry::Gauge& expiry = registry.GetGauge("tulle_webhook_certificate_not_after_seconds",
                                               "When the serving certificate ends, in seconds since 1970.");
  telemetry::Counter& failures =
      registry.GetCounter("tulle_webhook_certificate_failures_total",
                          "Rounds in which the serving certificate could not be kept.");
  std::chrono::seconds wait{0};
  while (!AskedToEnd(signals, wait)) {
    const base::Result<std::chrono::seconds> next = keeper.Round(std::chrono::system_clock::now());
    if (next) {
      announced = true;
    } else {
      failures.Add();
      spdlog::error("serving certificate: {}", next.failure().what);
    }
    wait = next ? *next : kRetry;
    if (const std::optional<serving::Time> not_after = slot.not_after()) {
      expiry.Set(std::chrono::duration<double>(not_after->time_since_epoch()).count());
    }
  }
}

int Run(const Flags& flags, kube::ClientOptions options) {
  const sigset_t signals = BlockEndSignals();
  std::signal(SIGPIPE, SIG_IGN);
  options.timeout = std::chrono::seconds(4);  // below the five seconds that the API server waits for us
  kube::Client client(options);
  telemetry::Registry registry;
  serving::CertificateSlot slot;
  serving::CertificateKeeper keeper(client, flags.ns, std::chrono::hours(flags.certificate_hours), slot);
  serving::TrustBundle trust_bundle(client, flags.ns);
  std::atomic<bool> announced = false;
  std::atomic<bool> ending = false;

  const auto settings = [&]() -> base::Result<inject::Settings> {
    base::Result<std::string> bundle = trust_bundle.Get(serving::TrustBundle::Clock::now());
    if (!bundle) return bundle.failure();
    inject::Settings complete = flags.settings;
    complete.trust_bundle = std::move(*bundle);
    return complete;
  };
  const auto readiness = [&]() -> std::string {
    if (ending) return "shutting down";
    if (!announced) return "serving certificate not yet made known to the API server";
    const base::Result<std::string> bundle = trust_bundle.Get(serving::TrustBundle::Clock::now());
    return bundle ? "" : bundle.failure().what;
  };

  serving::Listener health = serving::Listener::Health(readiness, registry);
  serving::Listener admission = serving::Listener::Admission(slot, settings, registry);
  for (auto& [listener, address] : {std::pair{&health, flags.health}, {&admission, flags.listen}}) {
    const base::Result<int> port = listener->Start(address);
    if (!port) {
      spdlog::critical("{}", port.failure().what);
      return 1;
    }
    spdlog::info("listening on port {}", *port);
  }
  KeepCertificate(keeper, slot, registry, announced, signals);

  spdlog::info("shutting down");
  ending = true;
  AskedToEnd(signals, std::chrono::seconds(flags.drain_seconds));  // a second signal shortens it
  admission.Stop();
  health.Stop();
  return 0;
}

}  // namespace
}  // namespace tulle::webhook

int main(int argc, char** argv) {
  CLI::App app("Injects the sidecar into pods and validates the resources of tulle.dev.");
  tulle::webhook::Flags flags;
  tulle::webhook::Declare(app, flags);
  CLI11_PARSE(app, argc, argv);
  tulle::webhook::SetUpLog(flags.log_level);
  if (flags.settings.operator_address.empty()) {
    flags.settings.operator_address = "tulle-operator." + flags.ns + ".svc:15010";
  }
  tulle::kube::ClientOptions options = flags.kube;
  if (options.server.empty()) {
    const tulle::base::Result<tulle::kube::ClientOptions> in_cluster = tulle::kube::InCluster();
    if (!in_cluster) {
      spdlog::critical("{}", in_cluster.failure().what);
      return 1;
    }
    options = *in_cluster;
  }
  return tulle::webhook::Run(flags, std::move(options));
}
