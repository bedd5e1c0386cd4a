#include "operator/app/operator.h"

#include <spdlog/spdlog.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "lib/kube/lease.h"
#include "operator/app/health.h"
#include "operator/app/own_certificate.h"
#include "operator/app/publisher.h"
#include "operator/ca/root.h"
#include "operator/ca/secret.h"
#include "operator/ca/token_review.h"
#include "operator/distribute/server.h"
#include "operator/status/leader.h"
#include "operator/watch/directory.h"
#include "operator/watch/kubernetes.h"

namespace tulle::control::app {
namespace {

constexpr const char* kLease = "tulle-operator";
constexpr std::chrono::seconds kUpkeep{10};
constexpr int kStartAttempts = 20;
constexpr std::chrono::seconds kStartPause{1};

using Now = std::chrono::system_clock;

}  // namespace

// Everything there is. Members go in reverse order, so that each finds what it was built from still there.
struct Operator::Parts {
  telemetry::Registry metrics;
  std::unique_ptr<kube::Client> client;
  std::unique_ptr<ca::TokenVerifier> tokens;
  std::unique_ptr<ca::Issuer> issuer;
  OwnCertificate own;
  std::unique_ptr<status::Peers> peers;
  std::unique_ptr<kube::LeaderElection> election;
  std::unique_ptr<distribute::Server> server;
  std::unique_ptr<status::ConfigMapWriter> config_maps;
  std::unique_ptr<status::Leader> leader;
  std::unique_ptr<watch::Inbox> inbox;
  std::unique_ptr<Publisher> publisher;
  std::unique_ptr<watch::Directory> directory;
  std::unique_ptr<watch::Kubernetes> kubernetes;
  std::unique_ptr<Health> health;
  std::jthread election_thread;
  std::jthread upkeep_thread;
};

Operator::Operator(Settings settings) : settings_(std::move(settings)), parts_(std::make_unique<Parts>()) {}
Operator::~Operator() { Stop(); }

base::Result<bool> Operator::Start() {
  Parts& p = *parts_;
  p.health =
      std::make_unique<Health>(Health::Sources{[this] { return NotReady(); }, [this] { return Metrics(); }});
  if (auto open = p.health->Start(settings_.health); !open.ok()) return open;
  const base::Result<bool> started = settings_.on_kubernetes() ? StartOnKubernetes() : StartOnDirectory();
  if (!started.ok()) return started;
  ready_parts_ = true;
  spdlog::info("config port {}, health {}", settings_.listen.Text(), settings_.health.Text());
  return true;
}

base::Result<bool> Operator::StartOnDirectory() {
  Parts& p = *parts_;
  base::Result<identity::Authority> root = ca::RootFromDirectory(settings_.ca_directory, Now::now());
  if (!root.ok()) return root.failure();
  p.tokens = std::make_unique<ca::FileTokens>(settings_.tokens_file);
  p.issuer = std::make_unique<ca::Issuer>(
      std::move(*root), *p.tokens,
      ca::Issuer::Settings{settings_.trust_domain, settings_.certificate_lifetime});
  p.inbox = std::make_unique<watch::Inbox>();
  if (auto started = StartCommon(); !started.ok()) return started;
  p.directory = std::make_unique<watch::Directory>(settings_.registry_directory, *p.inbox);
  p.directory->Start();
  return true;
}

base::Result<bool> Operator::StartOnKubernetes() {
  Parts& p = *parts_;
  const base::Result<kube::ClientOptions> cluster = kube::InCluster();
  if (!cluster.ok()) return cluster.failure();
  p.client = std::make_unique<kube::Client>(*cluster);
  base::Result<identity::Authority> root = ca::RootFromSecret(*p.client, settings_.ns, Now::now());
  // An API server that is just being restarted is no reason for the long pauses of a crash loop.
  for (int i = 0; i < kStartAttempts && !root.ok(); ++i) {
    spdlog::warn("{}", root.failure().what);
    std::this_thread::sleep_for(kStartPause);
    root = ca::RootFromSecret(*p.client, settings_.ns, Now::now());
  }
  if (!root.ok()) return root.failure();
  p.tokens = std::make_unique<ca::TokenReview>(*p.client);
  p.issuer = std::make_unique<ca::Issuer>(
      std::move(*root), *p.tokens,
      ca::Issuer::Settings{settings_.trust_domain, settings_.certificate_lifetime});
  if (auto bundle = ca::PublishBundle(*p.client, settings_.ns, p.issuer->bundle()); !bundle.ok()) {
    return bundle.failure();
  }
  p.peers = std::make_unique<status::Peers>(settings_.ns, settings_.listen.port());
  p.election = std::make_unique<kube::LeaderElection>(
      *p.client, kube::LeaderElection::Options{settings_.ns, kLease, settings_.pod_name},
      [&p](bool) { p.leader->Wake(); });
  p.config_maps = std::make_unique<status::ConfigMapWriter>(*p.client, settings_.ns, p.metrics);
  p.leader = std::make_unique<status::Leader>(
      *p.client, *p.peers, *p.config_maps,
      status::Leader::Sources{[&p] { return p.election->leading(); }, [&p] { return p.server->Report(); },
                              settings_.pod_name},
      p.metrics);
  p.inbox = std::make_unique<watch::Inbox>([&p](const model::Meta& meta) { p.leader->Announce(meta); });
  if (auto started = StartCommon(); !started.ok()) return started;
  p.kubernetes = std::make_unique<watch::Kubernetes>(*p.client, *p.inbox);
  p.kubernetes->Start();
  p.config_maps->Start();
  p.leader->Start();
  p.election_thread = std::jthread([&p](std::stop_token stop) { p.election->Run(std::move(stop)); });
  return true;
}

base::Result<bool> Operator::StartCommon() {
  Parts& p = *parts_;
  base::Result<OwnCertificate> own = MakeOwnCertificate(*p.issuer, settings_.ns, Now::now());
  if (!own.ok()) return own.failure();
  p.own = std::move(*own);
  if (p.peers) p.peers->SetCertificate(p.own.certificate, p.own.key->ToPem(), p.issuer->bundle());
  p.server = std::make_unique<distribute::Server>(
      distribute::Server::Settings{
          settings_.pod_name, {settings_.trust_domain, settings_.ns, "tulle-operator"}, settings_.listen},
      *p.issuer);
  p.server->SetContext(p.own.context);
  const base::Result<io::SocketAddress> listening = p.server->Start();
  if (!listening.ok()) return listening.failure();
  Publisher::Callbacks callbacks;
  callbacks.on_compiled = [&p](compile::Snapshot snapshot) { p.server->Publish(std::move(snapshot)); };
  if (p.leader) {
    callbacks.on_model = [&p, ns = settings_.ns](const model::Model& model,
                                                 const compile::Snapshot& snapshot) {
      p.leader->SetView(status::MakeView(model, snapshot, ns));
    };
  }
  p.publisher =
      std::make_unique<Publisher>(*p.inbox, compile::Settings{settings_.trust_domain, p.issuer->bundle()},
                                  std::move(callbacks), p.metrics);
  p.publisher->Start();
  p.upkeep_thread = std::jthread([this](std::stop_token stop) { Upkeep(std::move(stop)); });
  return true;
}

// Renews our own certificate at half of its life, and keeps the trust bundle as it should be.
void Operator::Upkeep(std::stop_token stop) {
  Parts& p = *parts_;
  std::mutex mutex;
  std::condition_variable_any never;
  while (true) {
    std::unique_lock lock(mutex);
    // A short life is for tests; it must be renewed in time, too.
    const auto pause = std::min<std::chrono::seconds>(kUpkeep, settings_.certificate_lifetime / 10);
    never.wait_for(lock, stop, std::max(pause, std::chrono::seconds(1)), [] { return false; });
    if (stop.stop_requested()) return;
    if (Now::now() >= p.own.renew_at) {
      base::Result<OwnCertificate> own = MakeOwnCertificate(*p.issuer, settings_.ns, Now::now());
      if (own.ok()) {
        p.own = std::move(*own);
        p.server->SetContext(p.own.context);
        if (p.peers) p.peers->SetCertificate(p.own.certificate, p.own.key->ToPem(), p.issuer->bundle());
      } else {
        spdlog::error("own certificate: {}", own.failure().what);
      }
    }
    if (p.client && p.election->leading()) {
      const auto bundle = ca::PublishBundle(*p.client, settings_.ns, p.issuer->bundle());
      if (!bundle.ok()) spdlog::warn("trust bundle: {}", bundle.failure().what);
    }
  }
}

std::string Operator::NotReady() const {
  const Parts& p = *parts_;
  if (!ready_parts_) return "starting";
  return p.publisher->published() ? "" : "the registry has not been read yet";
}

std::string Operator::Metrics() {
  Parts& p = *parts_;
  if (!ready_parts_) return p.metrics.Scrape();
  const auto set = [&](const char* name, const char* help, double value) {
    p.metrics.GetGauge(name, help).Set(value);
  };
  set("tulle_operator_sidecars_connected", "Open config streams.",
      static_cast<double>(p.server->connected()));
  set("tulle_operator_certificates_signed", "Certificates signed.",
      static_cast<double>(p.issuer->signed_count()));
  set("tulle_operator_certificates_refused", "Certificate requests refused.",
      static_cast<double>(p.issuer->refused_count()));
  set("tulle_operator_connections_refused", "Connections to the config port that came to nothing.",
      static_cast<double>(p.server->rejected_connections()));
  set("tulle_operator_registry_changes", "Changes that the registry reported.",
      static_cast<double>(p.inbox->received()));
  if (p.kubernetes) {
    set("tulle_operator_watch_events", "Events of watches.", static_cast<double>(p.kubernetes->events()));
    set("tulle_operator_watch_troubles", "Failures of watches.",
        static_cast<double>(p.kubernetes->troubles()));
    set("tulle_operator_leader", "1 on the leading replica.", p.election->leading() ? 1 : 0);
  }
  return p.metrics.Scrape();
}

void Operator::Stop() {
  Parts& p = *parts_;
  ready_parts_ = false;
  // The lease first, so that another replica leads while we finish.
  for (std::jthread* thread : {&p.election_thread, &p.upkeep_thread}) {
    if (!thread->joinable()) continue;
    thread->request_stop();
    thread->join();
  }
  p.health.reset();
  p.kubernetes.reset();
  p.directory.reset();
  p.publisher.reset();
  if (p.server) p.server->Stop();
  p.leader.reset();
  p.config_maps.reset();
}

}  // namespace tulle::control::app
