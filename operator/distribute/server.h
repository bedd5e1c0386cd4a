#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include "lib/identity/spiffe.h"
#include "lib/io/loop.h"
#include "lib/io/socket.h"
#include "lib/tls/context.h"
#include "lib/tls/stream.h"
#include "operator/ca/issuer.h"
#include "operator/ca/pool.h"
#include "operator/compile/compile.h"
#include "operator/distribute/peer.h"
#include "operator/distribute/request.h"
#include "operator/distribute/stream.h"

namespace tulle::control::distribute {

// The config port: certificates for pods, config streams for sidecars, reports for the leader, all on one
// loop with one thread of its own. Everything public may be called from any thread; what came before Start
// holds.
class Server : private ConfigStream::Host {
 public:
  struct Settings {
    std::string replica;      // name of our pod
    identity::SpiffeId self;  // who may ask for reports
    io::SocketAddress listen;
    size_t signing_threads = 4;
    size_t signing_queue = 1000;
  };
  // `issuer` must outlive the server.
  Server(Settings settings, ca::Issuer& issuer);
  ~Server() override;

  // Returns the address that it listens on. SetContext must have been called.
  base::Result<io::SocketAddress> Start();
  // Ends all streams and the thread.
  void Stop();

  // For connections from now on; those that stand keep theirs.
  void SetContext(std::shared_ptr<const tls::Context> context);
  // Streams are refused until the first snapshot is there.
  void Publish(compile::Snapshot snapshot);

  // Waits for the loop's thread; an empty report once the server has stopped.
  ReplicaReport Report();

  size_t connected() const { return connected_; }
  uint64_t rejected_connections() const { return refused_; }

 private:
  struct Signing;

  io::Task<void> AcceptAll();
  io::Task<void> Serve(int fd);
  io::Task<std::string> AnswerCertificate(Request request);
  std::string AnswerPeer(const tls::TlsStream& stream);
  io::Task<void> RunStream(tls::TlsStream& stream, io::Buffer& buffer, identity::SpiffeId peer);
  ReplicaReport MakeReport() const;

  const compile::Snapshot& snapshot() const override { return snapshot_; }
  void Joined(ConfigStream& stream) override;

  const Settings settings_;
  ca::Issuer& issuer_;
  std::shared_ptr<const tls::Context> context_;
  compile::Snapshot snapshot_;
  std::set<ConfigStream*> streams_;
  size_t connections_ = 0;
  std::atomic<size_t> connected_ = 0;
  std::atomic<uint64_t> refused_ = 0;
  std::atomic<bool> running_ = false;
  io::Loop loop_;  // goes before what its coroutines leave behind them, after those who post to it
  std::unique_ptr<io::Listener> listener_;
  std::thread thread_;
  ca::Pool pool_;
};

}  // namespace tulle::control::distribute
