#include "sidecar/app/worker.h"

#include <spdlog/spdlog.h>

#include "sidecar/app/inbound.h"
#include "sidecar/app/limits.h"
#include "sidecar/app/outbound.h"
#include "sidecar/exchange/downstream.h"
#include "sidecar/exchange/limits.h"

namespace tulle::sidecar::app {

Worker::Worker(const Facts& facts, telemetry::Probe probe, Capacity capacity,
               std::function<void(const std::string&)> want)
    : facts_(facts),
      loop_(std::make_unique<io::Loop>()),
      probe_(std::move(probe)),
      admission_(probe_, facts.workers),
      capacity_(capacity),
      want_(std::move(want)),
      random_(std::random_device{}()),
      clusters_(hosts_, facts.pod),
      connector_(*loop_, facts.peer_framing, capacity_.limits,
                 [this](const upstream::Host& host, const char* why) { OnBroken(host, why); }),
      snapshot_(std::make_shared<const config::Snapshot>()),
      snapshot_changed_(*loop_),
      handshakes_(*loop_, {kMaxHandshakes, kMaxWaitingHandshakes, kHandshakesPerTurn, kHandshakeStay}) {}

// Coroutines go before what they use: the loop destroys them.
Worker::~Worker() {
  if (thread_.joinable()) {
    loop_->Stop();
    thread_.join();
  }
  // Calls that end tell the sessions of their hosts that there is room.
  loop_->DestroySpawned();
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
    auto v4 = Listen(facts_.listen_v4.WithPort(port), inbound, true);
    if (!v4) return v4;
    auto v6 = Listen(facts_.listen_v6.WithPort(port), inbound, false);
    if (!v6) return v6;
  }
  loop_->Spawn(SweepLoop());
  thread_ = std::thread([this] { loop_->Run(); });
  return true;
}

void Worker::SetSnapshot(std::shared_ptr<const config::Snapshot> snapshot, std::function<void()> adopted) {
  loop_->Post([this, snapshot = std::move(snapshot), adopted = std::move(adopted)] {
    if (snapshot->workload != nullptr) admission_.Adopt(*snapshot->workload);
    snapshot_ = snapshot;
    ++snapshot_serial_;
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
    leavers_.ForEach([](Leaver& leaver) { leaver.Leave(); });
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
  for (size_t taken = 1;; ++taken) {
    const io::Listener::Accepted accepted = co_await listener.Accept();
    if (accepted.fd < 0) {
      co_await RunOut(listener);
    } else {
      TakeIn(std::make_unique<io::Socket>(*loop_, accepted.fd), accepted.peer, inbound, serve);
    }
    if (taken % kAcceptsPerTurn == 0) co_await loop_->Yield();
  }
}

std::optional<overload::Limit> Worker::Refusal() const {
  if (level() == overload::Level::kCritical) return overload::Limit::kMemory;
  if (requests_ >= kMaxRequests) return overload::Limit::kRequests;
  return std::nullopt;
}

std::optional<overload::Limit> Worker::Full() const {
  if (level() >= overload::Level::kFull) return overload::Limit::kMemory;
  if (open() >= capacity_.connections) return overload::Limit::kConnections;
  return std::nullopt;
}

// An app learns why its connection is refused where that is cheap; a peer sidecar that is reset knows that
// its request was not seen, and has other endpoints.
void Worker::TakeIn(std::unique_ptr<io::Socket> socket, io::SocketAddress peer, bool inbound, Serve serve) {
  const auto limit = Full();
  if (!limit) {
    loop_->Spawn(ServeOne(std::move(socket), peer, inbound, serve));
    return;
  }
  limits().Hit(*limit);
  if (inbound || turned_away_ >= kMaxTurnedAway) {
    socket->ResetOnClose();
  } else {
    loop_->Spawn(TurnAway(std::move(socket), *limit));
  }
}

io::Task<void> Worker::TurnAway(std::unique_ptr<io::Socket> socket, overload::Limit limit) {
  ++turned_away_;
  exchange::Downstream downstream;
  downstream.stream = std::make_unique<io::PlainStream>(std::move(socket));
  const io::TimePoint until = loop_->now() + kTurnAwayTime;
  const auto next = co_await downstream.ReadHead(until);
  if (next.next == exchange::Downstream::Next::kRequest) {
    telemetry::Record record;
    record.protocol = "http";
    record.source = facts_.workload;
    record.destination = "unknown";
    downstream.Remember(record.method, record.host, record.path);
    http::LocalReply reply;
    reply.reason = overload::Reason(limit);
    reply.keep_alive = false;
    reply.head_only = record.method == "HEAD";
    co_await downstream.Reply(reply);
    record.status = reply.status;
    record.reason = reply.reason;
    probe_.Done(record);
  } else {
    downstream.stream->readiness().ResetOnClose();
  }
  co_await io::CloseSoftly(std::move(downstream.stream), exchange::kLinger, exchange::kLingerBytes);
  --turned_away_;
}

// No descriptor for a connection that waits: established traffic goes on, what is idle goes, and the
// connection is turned away, since it would wait for nothing and keep the listener busy.
io::Task<void> Worker::RunOut(io::Listener& listener) {
  limits().Hit(overload::Limit::kDescriptors);
  if (loop_->now() - relieved_ >= kRelieveEvery) Relieve(overload::Level::kCritical);
  const bool turned_away = spare_.GiveUp() && listener.TurnAway();
  spare_.Keep();
  if (!turned_away) co_await loop_->Sleep(kNoDescriptorPause);
}

// Lets go of what is idle for longer than one can afford on that level; upstream first, since nobody waits
// there.
void Worker::Relieve(overload::Level level) {
  relieved_ = loop_->now();
  hosts_.Sweep(relieved_, level);
  if (level == overload::Level::kNormal) return;
  const io::Duration patience = overload::Shrink(exchange::kIdleBetweenRequests, level);
  idle_.ForEach([&](Idle& idle) {
    if (relieved_ - idle.since_ <= patience || !idle.in_.empty()) return;
    limits().Hit(overload::Limit::kIdle);
    idle.readiness_.Expire();
  });
}

// Each is counted; the log names one in a while.
void Worker::OnBroken(const upstream::Host& host, const char* why) {
  probe_.PeerThrownOut(why);
  if (told_broken_ != io::TimePoint{} && loop_->now() - told_broken_ < kSweepEvery * kSweepsPerNews) return;
  told_broken_ = loop_->now();
  spdlog::warn("{} broke the rules of its connection, which was ended: {}", host.text(), why);
}

void Worker::AskSomeToLeave() {
  size_t staying = 0;
  leavers_.ForEach([&](const Leaver& leaver) { staying += !leaver.left_; });
  size_t wanted = (staying + kLeaveShare - 1) / kLeaveShare;
  leavers_.ForEach([&](Leaver& leaver) {
    if (leaver.left_ || wanted == 0) return;
    --wanted;
    leaver.Leave();
  });
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
  for (int sweep = 1;; ++sweep) {
    co_await loop_->Sleep(kSweepEvery);
    Relieve(level());
    if (level() >= overload::Level::kFull) AskSomeToLeave();
    if (sweep % kSweepsPerNews != 0) continue;
    const std::string news = limits().News();
    if (!news.empty()) spdlog::warn("limits hit: {}", news);
  }
}

}  // namespace tulle::sidecar::app
