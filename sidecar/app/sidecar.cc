#include "sidecar/app/sidecar.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include "lib/tls/context.h"
#include "sidecar/app/limits.h"
#include "sidecar/overload/limits.h"
#include "sidecar/overload/start.h"

namespace tulle::sidecar::app {
namespace {

constexpr const char* kVersion = "0.1.0";
constexpr auto kReportEvery = std::chrono::milliseconds(100);

base::Result<Facts> MakeFacts(const Settings& settings) {
  Facts facts;
  facts.workload = settings.pod_namespace + "/" + settings.workload;
  if (const auto pod = io::SocketAddress::Parse(settings.pod_ip, 0)) {
    facts.pod = *pod;
  } else {
    return base::Failure{"--pod-ip \"" + settings.pod_ip + "\" is not an IP address"};
  }
  const auto listen = io::SocketAddress::Parse(settings.listen, 0);
  if (!listen || listen->is_v6())
    return base::Failure{"--listen \"" + settings.listen + "\" is not an IPv4 address"};
  facts.listen_v4 = *listen;
  facts.workers = settings.workers;
  if (listen->IsLoopback()) facts.listen_v6 = *io::SocketAddress::Parse("::1", 0);
  facts.outbound_port = static_cast<uint16_t>(settings.outbound_port);
  facts.inbound_port = static_cast<uint16_t>(settings.inbound_port);
  for (const int port : {settings.outbound_port, settings.inbound_port, settings.metrics_port,
                         settings.ready_port, settings.admin_port}) {
    facts.own_ports.push_back(static_cast<uint16_t>(port));
  }
  if (settings.peer_framing == "http1") facts.peer_framing = upstream::PeerFraming::kHttp1;
  if (settings.peer_framing == "http2") facts.peer_framing = upstream::PeerFraming::kHttp2;
  for (const auto& [name, text, to] :
       {std::tuple<std::string, std::string, std::optional<io::SocketAddress>*>{
            "--outbound-to", settings.outbound_to, &facts.outbound_to},
        {"--inbound-to", settings.inbound_to, &facts.inbound_to}}) {
    if (text.empty()) continue;
    *to = io::SocketAddress::ParseWithPort(text);
    if (!*to) return base::Failure{name + " \"" + text + "\" is not address:port"};
  }
  return facts;
}

telemetry::AccessLogMode ParseMode(const std::string& text) {
  if (text == "all") return telemetry::AccessLogMode::kAll;
  return text == "off" ? telemetry::AccessLogMode::kOff : telemetry::AccessLogMode::kErrors;
}

}  // namespace

Sidecar::Sidecar(const Settings& settings, Facts facts)
    : settings_(settings), facts_(std::move(facts)), access_log_(STDOUT_FILENO), state_(settings.state_dir) {}

// Threads that use what this owns end first.
Sidecar::~Sidecar() {
  servers_.reset();
  workers_.clear();
}

base::Result<std::unique_ptr<Sidecar>> Sidecar::Make(const Settings& settings) {
  const auto facts = MakeFacts(settings);
  if (!facts) return facts.failure();
  const auto address = identity::ParseOperatorAddress(settings.operator_address);
  if (!address) return address.failure();
  auto probes = admin::ParseAppProbes(settings.probes);
  if (!probes) return probes.failure();

  auto made = std::unique_ptr<Sidecar>(new Sidecar(settings, *facts));
  Sidecar& self = *made;
  self.readiness_.Set("identity", "identity/no-certificate: not asked yet");
  self.readiness_.Set("config", "config/none: no config for " + self.facts_.workload + " yet");

  const size_t connections = self.PlanCapacity();
  for (int i = 0; i < settings.workers; ++i) {
    telemetry::Probe probe(self.registry_, self.access_log_, ParseMode(settings.access_log),
                           std::to_string(i));
    auto want = [&self](const std::string& ip) { self.loop_.Post([&self, ip] { self.config_->Want(ip); }); };
    Capacity capacity{self.monitor_->level(), connections / static_cast<size_t>(settings.workers),
                      overload::LimitCounts(self.registry_, std::to_string(i))};
    self.workers_.push_back(
        std::make_unique<Worker>(self.facts_, std::move(probe), std::move(capacity), want));
  }

  config::Client::Options config_options{*address, settings.pod_namespace + "/" + settings.pod_name,
                                         self.facts_.workload, settings.config_file, kVersion};
  self.config_ = std::make_unique<config::Client>(
      self.loop_, std::move(config_options), self.state_,
      [&self](std::shared_ptr<const config::Snapshot> snapshot, std::function<void()> in_force) {
        self.OnSnapshot(std::move(snapshot), std::move(in_force));
      });
  identity::CertificateKeeper::Options identity_options{*address, settings.trust_bundle, settings.token_file};
  self.certificates_ = std::make_unique<identity::CertificateKeeper>(
      self.loop_, std::move(identity_options), self.state_,
      [&self](const identity::Certified& certified) { self.OnCertificate(certified); });

  admin::Servers::Options server_options;
  server_options.listen_v4 = self.facts_.listen_v4;
  server_options.listen_v6 = self.facts_.listen_v6;
  server_options.metrics_port = static_cast<uint16_t>(settings.metrics_port);
  server_options.ready_port = static_cast<uint16_t>(settings.ready_port);
  server_options.admin_port = static_cast<uint16_t>(settings.admin_port);
  server_options.app = self.facts_.pod;
  server_options.probes = std::move(*probes);
  self.servers_ =
      std::make_unique<admin::Servers>(std::move(server_options), self.registry_, self.readiness_);
  const auto serving = self.servers_->Start();
  if (!serving) return serving.failure();

  self.config_->LoadKept();
  for (const auto& worker : self.workers_) {
    const auto started = worker->Start();
    if (!started) return started.failure();
  }
  return made;
}

// Connections that all workers together may take in.
size_t Sidecar::PlanCapacity() {
  const uint64_t descriptors = overload::RaiseDescriptorLimit();
  const size_t connections = overload::ConnectionsFor(descriptors, kMaxDownstreamConnections);
  monitor_ = std::make_unique<overload::Monitor>(loop_, registry_, settings_.memory_limit, descriptors);
  spdlog::info("{} file descriptors: at most {} connections", descriptors, connections);
  if (descriptors < overload::kLeastDescriptors) {
    const std::string reason = "overload/descriptors: the limit of open files (ulimit -n) is " +
                               std::to_string(descriptors) + ", at least " +
                               std::to_string(overload::kLeastDescriptors) + " are needed";
    spdlog::error("{}", reason);
    readiness_.Set("descriptors", reason);
  }
  return connections;
}

// Each thread gets contexts of its own: what OpenSSL caches in one, others would read while it is written.
void Sidecar::OnCertificate(const identity::Certified& certified) {
  tls::Context::Options as_client;
  as_client.key = certified.key->native();
  as_client.certificate = certified.certificate;
  as_client.roots = certified.roots;
  tls::Context::Options as_server = as_client;
  as_server.side = tls::Side::kServer;
  as_server.alpn = {std::string(upstream::kMuxAlpn), std::string(upstream::kHttp2Alpn),
                    std::string(upstream::kHttp1Alpn), std::string(upstream::kTcpAlpn)};
  for (const auto& worker : workers_) {
    const auto client = tls::Context::Make(as_client);
    const auto server = tls::Context::Make(as_server);
    if (!client || !server) {
      spdlog::error("certificate not usable: {}", (!client ? client : server).failure().what);
      return;
    }
    worker->SetContexts(*client, *server);
  }
  if (const auto control = tls::Context::Make(as_client)) config_->SetContext(*control);
}

void Sidecar::OnSnapshot(std::shared_ptr<const config::Snapshot> snapshot, std::function<void()> in_force) {
  if (snapshot->workload != nullptr) readiness_.Set("config", "");
  // Whoever can write a ConfigMap must not choose whom this sidecar takes for its operator.
  const bool from_operator = snapshot->operator_reachable && snapshot->mesh != nullptr;
  if (from_operator) certificates_->SetRoots(snapshot->mesh->trust_bundle);
  auto left = std::make_shared<std::atomic<size_t>>(workers_.size());
  for (const auto& worker : workers_) {
    worker->SetSnapshot(snapshot, [this, left, in_force] {
      if (left->fetch_sub(1) == 1) loop_.Post(in_force);
    });
  }
}

// Readiness and gauges that others compute on this loop.
io::Task<void> Sidecar::ReportLoop() {
  auto& connected = registry_.GetGauge("tulle_config_stream_connected",
                                       "1 while the config stream to an operator is open.");
  auto& rejected = registry_.GetGauge("tulle_config_rejected_total", "Config resources that were rejected.");
  auto& dropped = registry_.GetGauge("tulle_access_log_dropped_total",
                                     "Access log lines dropped because the reader was too slow.");
  for (bool starting = true;;) {
    const std::string& problem = certificates_->problem();
    if (starting && problem.empty()) {
      overload::LetGoOfStart();
      starting = false;
    }
    readiness_.Set("identity", problem);
    connected.Set(config_->connected());
    rejected.Set(static_cast<double>(config_->rejected()));
    dropped.Set(static_cast<double>(access_log_.dropped()));
    co_await loop_.Sleep(kReportEvery);
  }
}

io::Task<void> Sidecar::Drain() {
  spdlog::info("draining");
  readiness_.Set("drain", "draining");
  for (const auto& worker : workers_) worker->BeginDrain();
  const io::TimePoint begun = io::Clock::now();
  for (;;) {
    co_await loop_.Sleep(std::chrono::milliseconds(50));
    const io::Duration taken = io::Clock::now() - begun;
    size_t busy = 0, open = 0;
    for (const auto& worker : workers_) {
      busy += worker->busy();
      open += worker->open();
    }
    if (open == 0 || (busy == 0 && taken >= kDrainAtLeast) || taken >= kDrainAtMost) break;
  }
  spdlog::info("drained");
  loop_.Stop();
}

void Sidecar::Run() {
  loop_.Spawn(certificates_->Run());
  loop_.Spawn(config_->Run());
  loop_.Spawn(ReportLoop());
  loop_.Spawn(monitor_->Run());
  loop_.Run();
}

void Sidecar::Stop() {
  loop_.Post([this] {
    if (stopping_) {
      loop_.Stop();
      return;
    }
    stopping_ = true;
    loop_.Spawn(Drain());
  });
}

}  // namespace tulle::sidecar::app
