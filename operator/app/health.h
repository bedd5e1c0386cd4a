#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "lib/base/result.h"
#include "lib/io/address.h"

namespace tulle::control::app {

// GET /healthz, /readyz and /metrics for kubelet and Prometheus, on threads of its own.
class Health {
 public:
  struct Sources {
    std::function<std::string()> not_ready;  // why not; empty = ready
    std::function<std::string()> metrics;    // Prometheus text
  };
  explicit Health(Sources sources);
  ~Health();

  base::Result<bool> Start(const io::SocketAddress& address);

 private:
  struct Server;
  const Sources sources_;
  std::unique_ptr<Server> server_;
  std::thread thread_;
};

}  // namespace tulle::control::app
