#pragma once

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "lib/kube/client.h"
#include "lib/kube/watch.h"
#include "operator/watch/inbox.h"

namespace tulle::control::watch {

// A Kubernetes cluster as the registry: one watch, with a thread of its own, for each kind of the model. An
// object that cannot be read keeps its last good form and is logged.
class Kubernetes {
 public:
  Kubernetes(kube::Client& client, Inbox& inbox);
  ~Kubernetes();

  void Start();
  uint64_t events() const { return events_; }
  uint64_t troubles() const { return troubles_; }

 private:
  class Handler;
  kube::Client& client_;
  Inbox& inbox_;
  std::atomic<uint64_t> events_ = 0;
  std::atomic<uint64_t> troubles_ = 0;
  std::vector<std::unique_ptr<Handler>> handlers_;
  std::vector<std::unique_ptr<kube::Watch>> watches_;
  std::vector<std::jthread> threads_;
};

}  // namespace tulle::control::watch
