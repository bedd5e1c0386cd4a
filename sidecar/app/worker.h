#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>

#include "lib/io/event.h"
#include "lib/io/gate.h"
#include "lib/io/loop.h"
#include "lib/io/socket.h"
#include "lib/tls/context.h"
#include "sidecar/app/admission.h"
#include "sidecar/config/snapshot.h"
#include "sidecar/detect/learned.h"
#include "sidecar/overload/counts.h"
#include "sidecar/overload/descriptors.h"
#include "sidecar/overload/level.h"
#include "sidecar/telemetry/probe.h"
#include "sidecar/upstream/cluster.h"
#include "sidecar/upstream/connector.h"

namespace tulle::sidecar::app {

// What stays the same for the life of the process.
struct Facts {
  std::string workload;   // "shop/web"
  io::SocketAddress pod;  // own address, port 0
  int workers = 1;
  uint16_t outbound_port = 15001;
  uint16_t inbound_port = 15006;
  upstream::PeerFraming peer_framing = upstream::PeerFraming::kMux;
  std::vector<uint16_t> own_ports;  // nobody may be sent there by a redirect
  io::SocketAddress listen_v4 = *io::SocketAddress::Parse("0.0.0.0", 0);
  io::SocketAddress listen_v6 = *io::SocketAddress::Parse("::", 0);
  // For tests and benchmarks without redirect rules: where a connection that was not redirected is taken to
  // go.
  std::optional<io::SocketAddress> outbound_to;
  std::optional<io::SocketAddress> inbound_to;
};

// How much a worker may take on.
struct Capacity {
  const std::atomic<overload::Level>& level;  // now; outlives the worker
  size_t connections;
  overload::LimitCounts limits;
};

// One thread of the data plane with all that it owns: loop, listeners, connections, pools, balancers,
// counters. Shares nothing with other workers but immutable snapshots. Made and stopped by main; the
// functions marked "any thread" post to its loop.
class Worker {
 public:
  // `want` is called on the worker's thread when the app calls an address that is not known yet.
  Worker(const Facts& facts, telemetry::Probe probe, Capacity capacity,
         std::function<void(const std::string& ip)> want);
  ~Worker();

  // Opens the listeners and starts the thread.
  base::Result<bool> Start();

  // Any thread. `adopted` runs on the worker's thread.
  void SetSnapshot(std::shared_ptr<const config::Snapshot> snapshot, std::function<void()> adopted);
  void SetContexts(std::shared_ptr<const tls::Context> client, std::shared_ptr<const tls::Context> server);
  // Responses ask clients to leave from now on.
  void BeginDrain();
  size_t busy() const { return busy_.load(std::memory_order_relaxed); }
  size_t open() const { return open_.load(std::memory_order_relaxed); }

  // Of use to the two directions, on the worker's thread only.
  const Facts& facts() const { return facts_; }
  io::Loop& loop() { return *loop_; }
  const std::shared_ptr<const config::Snapshot>& snapshot() const { return snapshot_; }
  uint64_t snapshot_serial() const { return snapshot_serial_; }  // another one with every snapshot
  const std::shared_ptr<const tls::Context>& server_context() const { return server_context_; }
  upstream::Clusters& clusters() { return clusters_; }
  upstream::Hosts& hosts() { return hosts_; }
  upstream::Connector& connector() { return connector_; }
  telemetry::Probe& probe() { return probe_; }
  Admission& admission() { return admission_; }
  std::minstd_rand& random() { return random_; }
  uint64_t Random64() {
    return uint64_t{random_()} << 40 ^ uint64_t { random_() } << 20 ^ random_();
  }
  detect::Learned& learned() { return learned_; }
  bool draining() const { return draining_; }
  size_t& copies_in_flight() { return copies_in_flight_; }
  overload::Level level() const { return capacity_.level.load(std::memory_order_relaxed); }
  overload::LimitCounts& limits() { return capacity_.limits; }
  io::Gate& handshakes() { return handshakes_; }
  // Why a request cannot be taken on now; nothing when it can.
  std::optional<overload::Limit> Refusal() const;

  // What an address stands for; asks the operator where it is not known yet. Null when there was no answer in
  // time.
  io::Task<std::optional<config::Destination>> Resolve(io::SocketAddress address);
  // A snapshot that says how we are to be called; null when none comes in time.
  io::Task<std::shared_ptr<const config::Snapshot>> AwaitWorkload();

  // Something that is to be told when a drain begins, for as long as it lives.
  class Leaver : public io::ListHook {
   public:
    Leaver(Worker& worker, std::function<void()> leave) : leave_(std::move(leave)) {
      worker.leavers_.PushBack(*this);
      if (worker.draining()) Leave();
    }

   private:
    friend class Worker;
    void Leave() {
      left_ = true;
      leave_();
    }
    std::function<void()> leave_;
    bool left_ = false;
  };

  // A connection whose client is between two requests, for as long as it lives; under pressure it is ended.
  class Idle : public io::ListHook {
   public:
    Idle(Worker& worker, const io::Buffer& in, io::Readiness& readiness)
        : in_(in), readiness_(readiness), since_(worker.loop().now()) {
      worker.idle_.PushBack(*this);
    }

   private:
    friend class Worker;
    const io::Buffer& in_;
    io::Readiness& readiness_;
    io::TimePoint since_;
  };

  // A request in flight, for as long as it lives.
  class Request {
   public:
    explicit Request(Worker& worker) : worker_(worker) { ++worker_.requests_; }
    ~Request() { --worker_.requests_; }
    Request(const Request&) = delete;

   private:
    Worker& worker_;
  };

  // Counts an exchange or tunnel as in progress for as long as it lives; a drain waits for it.
  class Busy {
   public:
    explicit Busy(Worker& worker) : worker_(worker) { worker_.busy_.fetch_add(1, std::memory_order_relaxed); }
    ~Busy() { worker_.busy_.fetch_sub(1, std::memory_order_relaxed); }
    Busy(const Busy&) = delete;

   private:
    Worker& worker_;
  };

 private:
  using Serve = io::Task<void> (*)(Worker& worker, std::unique_ptr<io::Socket> socket,
                                   io::SocketAddress peer);
  io::Task<void> AcceptLoop(io::Listener& listener, bool inbound, Serve serve);
  io::Task<void> ServeOne(std::unique_ptr<io::Socket> socket, io::SocketAddress peer, bool inbound,
                          Serve serve);
  std::optional<overload::Limit> Full() const;
  void TakeIn(std::unique_ptr<io::Socket> socket, io::SocketAddress peer, bool inbound, Serve serve);
  io::Task<void> TurnAway(std::unique_ptr<io::Socket> socket, overload::Limit limit);
  io::Task<void> RunOut(io::Listener& listener);
  io::Task<void> SweepLoop();
  void Relieve(overload::Level level);
  void OnBroken(const upstream::Host& host, const char* why);
  void AskSomeToLeave();
  base::Result<bool> Listen(const io::SocketAddress& address, bool inbound, bool required);

  Facts facts_;
  std::unique_ptr<io::Loop> loop_;
  telemetry::Probe probe_;
  Admission admission_;
  Capacity capacity_;
  std::function<void(const std::string&)> want_;
  std::minstd_rand random_;
  upstream::Hosts hosts_;
  upstream::Clusters clusters_;
  upstream::Connector connector_;
  std::shared_ptr<const tls::Context> server_context_;
  std::shared_ptr<const config::Snapshot> snapshot_;
  uint64_t snapshot_serial_ = 1;
  io::Event snapshot_changed_;
  detect::Learned learned_;
  io::List<Leaver> leavers_;
  io::List<Idle> idle_;  // the longest first
  io::Gate handshakes_;
  overload::SpareDescriptor spare_;
  io::TimePoint relieved_{};
  io::TimePoint told_broken_{};  // when the log last named a far side that was thrown out
  size_t requests_ = 0;
  size_t turned_away_ = 0;
  size_t copies_in_flight_ = 0;
  bool draining_ = false;
  std::atomic<size_t> busy_{0};
  std::atomic<size_t> open_{0};
  std::vector<std::unique_ptr<io::Listener>> listeners_;
  std::thread thread_;
};

}  // namespace tulle::sidecar::app
