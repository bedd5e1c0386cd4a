#pragma once

#include <cstddef>
#include <unordered_set>

#include "lib/io/address.h"

namespace tulle::sidecar::detect {

// Destinations whose server was heard before its client, so that the next client is not waited for. It only
// spares waiting: what a connection speaks is decided by what is heard on it. Forgets everything when it is
// full.
class Learned {
 public:
  bool ServerFirst(const io::SocketAddress& destination) const { return server_first_.contains(destination); }

  void Heard(const io::SocketAddress& destination, bool server_first) {
    if (!server_first) {
      server_first_.erase(destination);
      return;
    }
    if (server_first_.size() >= kMost) server_first_.clear();
    server_first_.insert(destination);
  }

 private:
  static constexpr size_t kMost = 1024;
  std::unordered_set<io::SocketAddress, io::SocketAddress::Hash> server_first_;
};

}  // namespace tulle::sidecar::detect
