#include "sidecar/admin/servers.h"

#include <httplib.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

namespace tulle::sidecar::admin {
namespace {

constexpr size_t kMaxRequestBytes = 64 << 10;
constexpr const char* kMetricsType = "text/plain; version=0.0.4";
// Each connection holds a thread for as long as its client is silent, so there have to be enough of them that
// a scraper or a probe of the node does not wait behind such clients.
constexpr size_t kMaxThreads = 128;
constexpr time_t kSilenceSeconds = 2;

// Threads as they are needed: one while all is well.
class GrowingPool final : public httplib::TaskQueue {
 public:
  void enqueue(std::function<void()> job) override {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
    if (jobs_.size() > idle_ && threads_.size() < kMaxThreads) threads_.emplace_back([this] { Work(); });
    wake_.notify_one();
  }

  void shutdown() override {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  void Work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      ++idle_;
      wake_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
      --idle_;
      if (jobs_.empty()) return;
      const std::function<void()> job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      job();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
  std::vector<std::thread> threads_;
  size_t idle_ = 0;
  bool ending_ = false;
};

}  // namespace

struct Servers::Impl {
  struct One {
    std::unique_ptr<httplib::Server> server;
    std::thread thread;
  };

  Impl(Options given, const ::tulle::telemetry::Registry& metrics, const Readiness& ready)
      : options(std::move(given)), registry(metrics), readiness(ready) {}

  httplib::Server& Add() {
    auto server = std::make_unique<httplib::Server>();
    server->new_task_queue = [] { return new GrowingPool; };
    server->set_payload_max_length(kMaxRequestBytes);
    server->set_read_timeout(kSilenceSeconds);
    server->set_write_timeout(kSilenceSeconds);
    server->set_keep_alive_max_count(1);  // a scraper that stays would hold a thread
    all.push_back({std::move(server), {}});
    return *all.back().server;
  }

  void RouteMetrics(httplib::Server& server) {
    server.Get("/metrics", [this](const httplib::Request&, httplib::Response& response) {
      response.set_content(registry.Scrape(), kMetricsType);
    });
  }

  void RouteReady(httplib::Server& server) {
    server.Get("/ready", [this](const httplib::Request&, httplib::Response& response) {
      const std::string waiting = readiness.Waiting();
      response.status = waiting.empty() ? 200 : 503;
      response.set_content(waiting.empty() ? "ready\n" : waiting, "text/plain");
    });
  }

  void RouteProbes(httplib::Server& server) {
    server.Get(
        R"(/probe/([^/]+)/([^/]+))", [this](const httplib::Request& request, httplib::Response& response) {
          const auto found =
              options.probes.find(std::string(request.matches[1]) + "/" + std::string(request.matches[2]));
          if (found == options.probes.end()) {
            response.status = 404;
            response.set_content("no such probe\n", "text/plain");
            return;
          }
          const ProbeResult result = RunAppProbe(found->second, options.app_ip);
          response.status = result.status;
          response.set_content(result.detail + "\n", "text/plain");
        });
  }

  base::Result<bool> Listen(httplib::Server& server, const std::string& address, uint16_t port) {
    if (!server.bind_to_port(address.c_str(), port)) {
      if (address != "::" || !server.bind_to_port("0.0.0.0", port)) {
        return base::Failure{"listen on " + address + " port " + std::to_string(port) + ": " +
                             std::strerror(errno)};
      }
    }
    for (One& one : all) {
      if (one.server.get() == &server) one.thread = std::thread([&server] { server.listen_after_bind(); });
    }
    // stop() before that would do nothing, and the thread never end.
    while (!server.is_running()) std::this_thread::yield();
    return true;
  }

  Options options;
  const ::tulle::telemetry::Registry& registry;
  const Readiness& readiness;
  std::vector<One> all;
};

Servers::Servers(Options options, const telemetry::Registry& registry, const Readiness& readiness)
    : impl_(std::make_unique<Impl>(std::move(options), registry, readiness)) {}

Servers::~Servers() {
  for (Impl::One& one : impl_->all) {
    one.server->stop();
    if (one.thread.joinable()) one.thread.join();
  }
}

base::Result<bool> Servers::Start() {
  const Options& options = impl_->options;
  impl_->all.reserve(3);
  httplib::Server& metrics = impl_->Add();
  impl_->RouteMetrics(metrics);
  httplib::Server& ready = impl_->Add();
  impl_->RouteReady(ready);
  impl_->RouteProbes(ready);
  httplib::Server& admin = impl_->Add();
  impl_->RouteMetrics(admin);
  impl_->RouteReady(admin);
  for (const auto& [server, address, port] :
       {std::tuple<httplib::Server*, std::string, uint16_t>{&metrics, options.listen, options.metrics_port},
        {&ready, options.listen, options.ready_port},
        {&admin, "127.0.0.1", options.admin_port}}) {
    if (port == 0) continue;
    const auto listening = impl_->Listen(*server, address, port);
    if (!listening) return listening;
  }
  return true;
}

}  // namespace tulle::sidecar::admin
