#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

#include "lib/io/buffer.h"
#include "lib/io/stream.h"
#include "sidecar/upstream/dialer.h"
#include "sidecar/upstream/limits.h"

namespace tulle::sidecar::upstream {

// One HTTP/1.1 connection to an endpoint, with what was read from it and not yet used.
struct Connection {
  std::unique_ptr<io::Stream> stream;
  io::Buffer in;
  bool reused = false;
};

// One endpoint as this worker knows it: an address and the identity that must be found there, its idle
// connections, and how busy we keep it. Shared by all clusters that list it; two identities at one address
// are two hosts, so a connection is never used for another identity than the one it was made for.
class Host {
 public:
  Host(Target target, io::Duration idle_limit) : target_(std::move(target)), idle_limit_(idle_limit) {}

  const Target& target() const { return target_; }
  uint32_t active() const { return active_; }
  bool avoided(io::TimePoint now) const { return now < avoid_until_; }
  void Avoid(io::TimePoint now) { avoid_until_ = now + kAvoidAfterFailure; }
  void Trust() { avoid_until_ = {}; }

  // The connection used last that is still good, or null.
  std::unique_ptr<Connection> TakeIdle();
  // Keeps a connection for the next request; it must be between two messages.
  void PutIdle(std::unique_ptr<Connection> connection, io::TimePoint now);
  void CloseIdle(io::TimePoint now);
  bool has_idle() const { return !idle_.empty(); }

 private:
  friend class InFlight;
  struct Idle {
    std::unique_ptr<Connection> connection;
    io::TimePoint since;
  };

  Target target_;
  io::Duration idle_limit_;
  uint32_t active_ = 0;
  io::TimePoint avoid_until_{};
  std::list<Idle> idle_;  // oldest first
};

// Counts one request as in flight to a host for as long as it lives.
class InFlight {
 public:
  explicit InFlight(std::shared_ptr<Host> host) : host_(std::move(host)) { ++host_->active_; }
  InFlight(InFlight&& other) noexcept : host_(std::move(other.host_)) {}
  InFlight& operator=(InFlight&&) = delete;
  ~InFlight() {
    if (host_) --host_->active_;
  }

 private:
  std::shared_ptr<Host> host_;
};

// The hosts of one worker, each once. A host lives as long as somebody holds it or it has idle connections.
class Hosts {
 public:
  std::shared_ptr<Host> Get(const Target& target, io::Duration idle_limit);
  // Closes connections that have been idle for too long, forgets hosts that nobody holds.
  void Sweep(io::TimePoint now);

 private:
  struct KeyHash {
    size_t operator()(const std::pair<io::SocketAddress, std::string>& key) const {
      return io::SocketAddress::Hash()(key.first) ^ std::hash<std::string>()(key.second);
    }
  };
  std::unordered_map<std::pair<io::SocketAddress, std::string>, std::shared_ptr<Host>, KeyHash> hosts_;
};

}  // namespace tulle::sidecar::upstream
