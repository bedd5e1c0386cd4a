#include "sidecar/app/worker.h"

#include <spdlog/spdlog.h>

#include "sidecar/app/inbound.h"
#include "sidecar/app/limits.h"
#include "sidecar/app/outbound.h"

namespace tulle::sidecar::app {

Worker::Worker(const Facts& facts, telemetry::Probe probe, std::function<void(const std::string&)> want)
    : facts_(facts),
      loop_(std::make_unique<io::Loop>()),
      probe_(std::move(probe)),
      want_(std::move(want)),
      random_(std::random_device{}()),
      clusters_(hosts_, facts.pod),
      connector_(*loop_, facts.peer_framing),
      snapshot_(std::make_shared<const config::Snapshot>()),
      snapshot_changed_(*loop_) {}

// Coroutines go before what they use: the loop destroys them.
Worker::~Worker() {
  if (thread_.joinable()) {
    loop_->Stop();
    thread_.join();
  }
}

base::Result<bool> Worker::Listen(const io::SocketAddress& address, bool inbound, bool required) {
  io::Listener::Options options;
  options.reuse_port = true;
  auto listener = io::Listener::Open(*loop_, address, options);
  if (!listener) {
    if (required) return listener.failure();
    spdlog::info("no IPv6 here: {}", listener.failure().what);
    return false;
  }
  listeners_.push_back(std::move(*listener));
  loop_->Spawn(AcceptLoop(*listeners_.back(), inbound, inbound ? &ServeInbound : &ServeOutbound));
  return true;
}

base::Result<bool> Worker::Start() {
  for (const bool inbound : {true, false}) {
    const uint16_t port = inbound ? facts_.inbound_port : facts_.outbound_port;
    const auto v4 = Listen(facts_.listen_v4.WithPort(port), inbound, true);
    if (!v4) return v4;
    const auto v6 = Listen(facts_.listen_v6.WithPort(port), inbound, false);
    if (!v6) return v6;
  }
  loop_->Spawn(SweepLoop());
  thread_ = std::thread([this] { loop_->Run(); });
  return true;
}

void Worker::SetSnapshot(std::shared_ptr<const config::Snapshot> snapshot, std::function<void()> adopted) {
  loop_->Post([this, snapshot = std::move(snapshot), adopted = std::move(adopted)] {
    snapshot_ = snapshot;
    clusters_.Retain(*snapshot_);
    snapshot_changed_.Notify();
    adopted();
  });
}

void Worker::SetContexts(std::shared_ptr<const tls::Context> client,
                         std::shared_ptr<const tls::Context> server) {
  loop_->Post([this, client = std::move(client), server = std::move(server)] {
    connector_.dialer().SetContext(client);
    server_context_ = server;
  });
}

void Worker::BeginDrain() {
  loop_->Post([this] {
    draining_ = true;
    leavers_.ForEach([](Leaver& leaver) { leaver.leave_(); });
  });
}

io::Task<std::optional<config::Destination>> Worker::Resolve(io::SocketAddress address) {
  const io::SocketAddress key = address.WithPort(0);
  io::TimePoint deadline{};
  for (;;) {
    const auto found = snapshot_->destinations.find(key);
    if (found != snapshot_->destinations.end()) co_return found->second;
    if (deadline == io::TimePoint{}) {
      want_(key.Ip());
      deadline = loop_->now() + (snapshot_->operator_reachable ? io::Duration(kResolveTime)
                                                               : io::Duration(kResolveTimeAlone));
    }
    if (!co_await snapshot_changed_.Wait(deadline)) co_return std::nullopt;
  }
}

io::Task<std::shared_ptr<const config::Snapshot>> Worker::AwaitWorkload() {
  const io::TimePoint deadline = loop_->now() + kResolveTime;
  while (snapshot_->workload == nullptr) {
    if (!co_await snapshot_changed_.Wait(deadline)) co_return nullptr;
  }
  co_return snapshot_;
}

io::Task<void> Worker::AcceptLoop(io::Listener& listener, bool inbound, Serve serve) {
  for (;;) {
    const io::Listener::Accepted accepted = co_await listener.Accept();
    if (accepted.fd < 0) {
      // Out of descriptors: established traffic goes on; the kernel keeps new connections waiting.
      spdlog::warn("accept: {}", io::Name(accepted.error));
      co_await loop_->Sleep(std::chrono::milliseconds(20));
      continue;
    }
    auto socket = std::make_unique<io::Socket>(*loop_, accepted.fd);
    if (open() >= kMaxDownstreamConnections) {
      socket->ResetOnClose();
      continue;
    }
    loop_->Spawn(ServeOne(std::move(socket), accepted.peer, inbound, serve));
  }
}

io::Task<void> Worker::ServeOne(std::unique_ptr<io::Socket> socket, io::SocketAddress peer, bool inbound,
                                Serve serve) {
  open_.fetch_add(1, std::memory_order_relaxed);
  probe_.ConnectionOpened(inbound);
  co_await serve(*this, std::move(socket), peer);
  probe_.ConnectionClosed(inbound);
  open_.fetch_sub(1, std::memory_order_relaxed);
}

io::Task<void> Worker::SweepLoop() {
  for (;;) {
    co_await loop_->Sleep(kSweepEvery);
    hosts_.Sweep(loop_->now());
  }
}

}  // namespace tulle::sidecar::app
