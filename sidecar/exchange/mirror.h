#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/io/task.h"
#include "sidecar/upstream/connector.h"
#include "sidecar/upstream/host.h"

namespace tulle::sidecar::exchange {

// Where copies of one request go. Nothing that becomes of a copy is heard of by its client.
class Mirrors {
 public:
  Mirrors(upstream::Connector& connector, io::Loop& loop, size_t& in_flight)
      : connector_(connector), loop_(loop), in_flight_(in_flight) {}

  // `host` may be null: then there is no copy.
  void Add(std::shared_ptr<upstream::Host> host) {
    if (host != nullptr) hosts_.push_back(std::move(host));
  }
  bool empty() const { return hosts_.empty(); }
  // Sends `request`, which is whole, to all of them, and returns at once. Copies are dropped while too many
  // are in flight from here.
  void Send(std::string_view request, mux::Kind kind);

 private:
  upstream::Connector& connector_;
  io::Loop& loop_;
  size_t& in_flight_;  // of the worker
  std::vector<std::shared_ptr<upstream::Host>> hosts_;
};

}  // namespace tulle::sidecar::exchange
