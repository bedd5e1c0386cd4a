#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "lib/http/head.h"
#include "lib/io/buffer.h"
#include "lib/io/stream.h"
#include "sidecar/overload/level.h"
#include "sidecar/protect/standing.h"
#include "sidecar/upstream/dialer.h"
#include "sidecar/upstream/limits.h"
#include "sidecar/upstream/session.h"

namespace tulle::sidecar::upstream {

// A way to an endpoint for one call at a time, with what was read from it and not yet used: a connection of
// its own, or a stream of one that is shared.
struct Connection {
  std::unique_ptr<io::Stream> stream;
  io::Buffer in;
  http::ResponseHead head;  // of the response at hand: views into `in`
  mux::Kind kind = mux::Kind::kHttp1;
  bool reused = false;  // has carried a request before
  bool shared = false;  // a stream
};

// One endpoint as this worker knows it: an address and the identity that must be found there, its
// connections, and how busy we keep it. Shared by all clusters that list it; two identities at one address
// are two hosts, so a connection is never used for another identity than the one it was made for.
class Host {
 public:
  Host(Target target, io::Duration idle_limit)
      : target_(std::move(target)), text_(target_.address.Text()), idle_limit_(idle_limit) {}

  const Target& target() const { return target_; }
  // Its address, for people.
  const std::string& text() const { return text_; }
  uint32_t active() const { return active_; }
  // Whether it fails; changed by Report in outliers.h.
  protect::Standing& standing() { return standing_; }
  const protect::Standing& standing() const { return standing_; }

  // The connection used last that is still good, or null.
  std::unique_ptr<Connection> TakeIdle(mux::Kind kind);
  // Keeps a connection for the next request; it must be between two messages.
  void PutIdle(std::unique_ptr<Connection> connection, io::TimePoint now);
  // The shared connections for calls of that kind; bulk traffic has its own, so that it does not delay
  // requests. They live as long as the host.
  Sessions& SessionsFor(mux::Kind kind, io::Loop& loop);
  // Closes what has been idle for too long, which is less long under pressure.
  void Sweep(io::TimePoint now, overload::Level level);
  bool has_connections() const;

 private:
  friend class InFlight;
  struct Idle {
    std::unique_ptr<Connection> connection;
    io::TimePoint since;
  };

  Target target_;
  std::string text_;
  io::Duration idle_limit_;
  uint32_t active_ = 0;
  protect::Standing standing_;
  std::vector<Idle> idle_;  // oldest first
  std::array<std::unique_ptr<Sessions>, 2> sessions_;
};

// The hosts that one request has been to; of very many, the last ones.
class Tried {
 public:
  void Add(const Host* host) { hosts_[count_++ % hosts_.size()] = host; }
  bool Contains(const Host* host) const {
    return std::find(hosts_.begin(), hosts_.end(), host) != hosts_.end();
  }

 private:
  std::array<const Host*, 8> hosts_{};
  size_t count_ = 0;
};

// Counts one request as in flight to a host for as long as it lives.
class InFlight {
 public:
  InFlight(std::shared_ptr<Host> host, io::TimePoint now)
      : host_(std::move(host)), probe_(host_->standing_.BeginCall(now)) {
    ++host_->active_;
  }
  InFlight(InFlight&& other) noexcept : host_(std::move(other.host_)), probe_(other.probe_) {}
  InFlight& operator=(InFlight&&) = delete;
  ~InFlight() {
    if (!host_) return;
    --host_->active_;
    if (probe_) host_->standing_.EndProbe();
  }

 private:
  std::shared_ptr<Host> host_;
  bool probe_;
};

// The hosts of one worker, each once. A host lives as long as somebody holds it or it has idle connections.
class Hosts {
 public:
  std::shared_ptr<Host> Get(const Target& target, io::Duration idle_limit);
  // Closes connections that have been idle for too long, forgets hosts that nobody holds.
  void Sweep(io::TimePoint now, overload::Level level = overload::Level::kNormal);

 private:
  struct KeyHash {
    size_t operator()(const std::pair<io::SocketAddress, std::string>& key) const {
      return io::SocketAddress::Hash()(key.first) ^ std::hash<std::string>()(key.second);
    }
  };
  std::unordered_map<std::pair<io::SocketAddress, std::string>, std::shared_ptr<Host>, KeyHash> hosts_;
};

}  // namespace tulle::sidecar::upstream
