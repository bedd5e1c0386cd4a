#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>

#include "lib/base/duration.h"
#include "operator/app/operator.h"

namespace {

using tulle::control::app::Settings;

// Every flag can be given as TULLE_<NAME>, too.
struct Flags {
  std::string registry = "kube";
  std::string listen = "0.0.0.0:15010";
  std::string health = "0.0.0.0:15014";
  std::string lifetime = "24h";
  std::string log_level = "info";
  Settings settings;
};

void Describe(CLI::App& app, Flags& flags) {
  Settings& s = flags.settings;
  app.add_option("--registry", flags.registry, "kube, or dir:PATH for a directory of YAML")
      ->envname("TULLE_REGISTRY")
      ->capture_default_str();
  app.add_option("--tokens", s.tokens_file, "file with lines `token namespace serviceaccount pod` (dir only)")
      ->envname("TULLE_TOKENS");
  app.add_option("--ca-dir", s.ca_directory, "directory of the root certificate (dir only)")
      ->envname("TULLE_CA_DIR");
  app.add_option("--listen", flags.listen, "config stream and certificates")
      ->envname("TULLE_LISTEN")
      ->capture_default_str();
  app.add_option("--health", flags.health, "/healthz, /readyz, /metrics")
      ->envname("TULLE_HEALTH")
      ->capture_default_str();
  app.add_option("--trust-domain", s.trust_domain, "of all identities")
      ->envname("TULLE_TRUST_DOMAIN")
      ->capture_default_str();
  app.add_option("--certificate-lifetime", flags.lifetime, "of leaves, such as 24h or 5m")
      ->envname("TULLE_CERTIFICATE_LIFETIME")
      ->capture_default_str();
  app.add_option("--namespace", s.ns, "our own")->envname("TULLE_NAMESPACE")->capture_default_str();
  app.add_option("--pod-name", s.pod_name, "our own")->envname("TULLE_POD_NAME");
  app.add_option("--log-level", flags.log_level, "trace, debug, info, warn, error")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error"}))
      ->envname("TULLE_LOG_LEVEL")
      ->capture_default_str();
}

tulle::base::Result<Settings> Check(const Flags& flags) {
  using tulle::base::Failure;
  Settings settings = flags.settings;
  const std::string dir = "dir:";
  if (flags.registry.starts_with(dir)) {
    settings.registry_directory = flags.registry.substr(dir.size());
    if (settings.registry_directory.empty()) return Failure{"--registry: dir: needs a path"};
    if (settings.tokens_file.empty()) return Failure{"--tokens is needed with --registry=dir:PATH"};
    if (settings.ca_directory.empty()) return Failure{"--ca-dir is needed with --registry=dir:PATH"};
  } else if (flags.registry != "kube") {
    return Failure{"--registry: \"" + flags.registry + "\" is neither kube nor dir:PATH"};
  }
  const auto listen = tulle::io::SocketAddress::ParseWithPort(flags.listen);
  if (!listen) return Failure{"--listen: \"" + flags.listen + "\" is not an address with a port"};
  const auto health = tulle::io::SocketAddress::ParseWithPort(flags.health);
  if (!health) return Failure{"--health: \"" + flags.health + "\" is not an address with a port"};
  const auto lifetime = tulle::base::ParseDuration(flags.lifetime);
  if (!lifetime.ok()) return Failure{"--certificate-lifetime: " + lifetime.failure().what};
  settings.listen = *listen;
  settings.health = *health;
  settings.certificate_lifetime = std::chrono::duration_cast<std::chrono::seconds>(*lifetime);
  if (settings.certificate_lifetime < std::chrono::seconds(10)) {
    return Failure{"--certificate-lifetime: at least 10s"};
  }
  if (settings.pod_name.empty()) settings.pod_name = "tulle-operator";
  return settings;
}

}  // namespace

int main(int argc, char** argv) {
  // Blocked before the first thread starts, so that sigwait below is the only one to see them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  CLI::App app("Tulle's operator: compiles the mesh config, hands it to sidecars, signs their certificates.");
  Flags flags;
  Describe(app, flags);
  CLI11_PARSE(app, argc, argv);
  spdlog::set_default_logger(spdlog::stderr_logger_mt("operator"));
  spdlog::set_level(spdlog::level::from_str(flags.log_level));
  const auto settings = Check(flags);
  if (!settings.ok()) {
    std::fprintf(stderr, "tulle-operator: %s\n", settings.failure().what.c_str());
    return 2;
  }

  tulle::control::app::Operator op(*settings);
  const auto started = op.Start();
  if (!started.ok()) {
    spdlog::critical("{}", started.failure().what);
    return 1;
  }
  int signal = 0;
  sigwait(&signals, &signal);
  spdlog::info("signal {}: going down", signal);
  op.Stop();
  return 0;
}
