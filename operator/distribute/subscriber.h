#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lib/meshconfig/stream.h"
#include "operator/compile/compile.h"

namespace tulle::control::distribute {

// What one sidecar wants, what it holds, and so what it must be told next: the bookkeeping of a config stream
// without the stream. One update is under way at a time; what changes meanwhile is found, once and in its
// last form, when the next one is made after the ack.
class Subscriber {
 public:
  // Nothing, or why the sidecar must not go on (too many names, or foreign ones).
  std::optional<std::string> Subscribe(const meshconfig::Subscribe& message,
                                       const std::string& own_namespace);
  void Unsubscribe(const meshconfig::Unsubscribe& message);
  // False for the ack of something that is not under way.
  bool Ack(const meshconfig::Ack& message);

  // The update that brings the sidecar closer to `compiled`; nothing while one is under way or when it has
  // all.
  std::optional<meshconfig::Update> Next(const compile::Compiled& compiled);

  // The hash over what was delivered to it, in force or rejected; nothing while an update is under way.
  std::optional<meshconfig::Heartbeat> Beat() const;

  // Whether a change of one of these resources can matter to it.
  bool Concerns(const std::vector<std::string>& changed) const;

  bool in_flight() const { return in_flight_.has_value(); }
  const std::set<std::string>& subscribed() const { return subscribed_; }
  // By name: the version that is in force there.
  const std::map<std::string, std::string>& held() const { return held_; }
  // By name: the version that was sent and is not answered yet; empty = it was told to drop it.
  std::map<std::string, std::string> unanswered() const {
    return in_flight_ ? in_flight_->versions : std::map<std::string, std::string>();
  }
  // By name: what it refused and why.
  const std::map<std::string, meshconfig::Rejection>& rejected() const { return rejected_; }

 private:
  struct Wanted {
    std::string version;
    const meshconfig::Resource* resource = nullptr;  // null: keep what is there
  };
  struct InFlight {
    int64_t id = 0;
    std::map<std::string, std::string> versions;  // empty version = removed
  };

  std::map<std::string, Wanted> WantedOf(const compile::Compiled& compiled);
  std::map<std::string, std::string> Delivered() const;
  const meshconfig::Resource& UnknownAddress(const std::string& name);

  std::set<std::string> subscribed_;
  std::set<std::string> closure_;  // names that it was last found to want
  std::map<std::string, std::string> held_;
  std::map<std::string, meshconfig::Rejection> rejected_;
  std::map<std::string, meshconfig::Resource> unknown_addresses_;
  std::optional<InFlight> in_flight_;
  int64_t last_id_ = 0;
};

// The names of resources that differ between two compilations, in either direction.
std::vector<std::string> ChangedNames(const compile::Compiled& before, const compile::Compiled& after);

}  // namespace tulle::control::distribute
