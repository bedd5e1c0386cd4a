#include "sidecar/admin/servers.h"

namespace tulle::sidecar::admin {
namespace {

constexpr const char* kMetricsType = "text/plain; version=0.0.4";
constexpr std::string_view kProbes = "/probe/";

}  // namespace

Servers::Servers(Options options, telemetry::Registry& registry, const Readiness& readiness)
    : options_(std::move(options)),
      registry_(registry),
      readiness_(readiness),
      limits_(registry, "admin"),
      prober_(loop_, options_.app) {}

Servers::~Servers() {
  if (!thread_.joinable()) return;
  loop_.Stop();
  thread_.join();
}

base::Result<bool> Servers::Start() {
  for (const auto& [port, pages, loopback] :
       {std::tuple{options_.metrics_port, Pages{.metrics = true}, false},
        {options_.ready_port, Pages{.ready = true, .probes = true}, false},
        {options_.admin_port, Pages{.metrics = true, .ready = true}, true}}) {
    if (port == 0) continue;
    const auto serving = Serve(port, pages, loopback);
    if (!serving) return serving;
  }
  thread_ = std::thread([this] { loop_.Run(); });
  return true;
}

base::Result<bool> Servers::Serve(uint16_t port, Pages pages, bool loopback) {
  servers_.push_back(std::make_unique<Server>(
      loop_, limits_, [this, pages](std::string_view path) { return Give(pages, path); }));
  Server& server = *servers_.back();
  if (loopback) return server.Listen(*io::SocketAddress::Parse("127.0.0.1", port));
  (void)server.Listen(options_.listen_v6.WithPort(port));
  return server.Listen(options_.listen_v4.WithPort(port));
}

io::Task<Answer> Servers::Give(Pages pages, std::string_view path) {
  Answer answer{404, "no such page\n"};
  if (pages.metrics && path == "/metrics") {
    answer = {200, registry_.Scrape(), kMetricsType};
  } else if (pages.ready && path == "/ready") {
    const std::string waiting = readiness_.Waiting();
    answer = {waiting.empty() ? 200 : 503, waiting.empty() ? "ready\n" : waiting};
  } else if (pages.probes && path.starts_with(kProbes)) {
    const auto found = options_.probes.find(std::string(path.substr(kProbes.size())));
    if (found == options_.probes.end()) {
      answer.body = "no such probe\n";
    } else {
      const ProbeResult result = co_await prober_.Run(found->second);
      answer = {result.status, result.detail + "\n"};
    }
  }
  co_return std::move(answer);
}

}  // namespace tulle::sidecar::admin
