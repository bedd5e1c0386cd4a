#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "lib/io/event.h"
#include "lib/io/stream.h"
#include "lib/meshconfig/stream.h"
#include "lib/tls/context.h"
#include "sidecar/config/store.h"
#include "sidecar/identity/operator_link.h"
#include "sidecar/identity/state_dir.h"

namespace tulle::sidecar::config {

// Keeps this sidecar's config fresh: starts from what was kept and from the ConfigMap, then follows the
// operator's stream, whichever replica answers, for as long as the loop lives. Losing the operator loses
// nothing that is held. Lives on the control loop.
class Client {
 public:
  struct Options {
    identity::OperatorAddress address;
    std::string pod;          // "shop/web-1"
    std::string workload;     // "shop/web"
    std::string config_file;  // of the mounted ConfigMap; may be absent
    std::string version;
  };
  // Hands a snapshot to the data plane and calls `in_force`, on this loop, when no new request follows an
  // older one.
  using Publish =
      std::function<void(std::shared_ptr<const Snapshot> snapshot, std::function<void()> in_force)>;

  Client(io::Loop& loop, Options options, const identity::StateDir& state, Publish publish);

  // What is there without an operator. Publishes if anything is.
  void LoadKept();

  // Until the loop ends. Waits for a context first.
  io::Task<void> Run();

  // With which certificate to present ourselves; a running stream goes on with the one it has.
  void SetContext(std::shared_ptr<const tls::Context> context);

  // The app calls this address: what it stands for is wanted from now on.
  void Want(const std::string& ip);

  bool connected() const { return connected_; }
  uint64_t rejected() const { return rejected_; }

 private:
  struct Session;

  io::Task<base::Result<bool>> RunSession();
  io::Task<void> SendQueued(Session& session);
  io::Task<std::string> ReceiveUntilBroken(Session& session);
  std::optional<std::string> Handle(const meshconfig::Message& message);
  void Apply(const meshconfig::Update& update);
  void PublishThen(std::function<void()> in_force);
  void Keep();

  io::Loop& loop_;
  Options options_;
  const identity::StateDir& state_;
  Publish publish_;
  std::minstd_rand random_;
  std::shared_ptr<const tls::Context> context_;
  io::Event context_changed_;
  Store store_;
  std::map<std::string, std::string> delivered_;  // name -> version, rejected ones too
  std::set<std::string> wanted_;                  // resource names subscribed to
  Session* session_ = nullptr;
  uint64_t sessions_ = 0;  // tells an ack whether the session it belongs to is still the present one
  bool connected_ = false;
  uint64_t rejected_ = 0;
};

}  // namespace tulle::sidecar::config
