#pragma once

#include <mutex>
#include <stop_token>
#include <string>

#include "lib/base/result.h"
#include "lib/kube/transfer.h"
#include "operator/distribute/peer.h"
#include "operator/status/view.h"

namespace tulle::control::status {

// Asks other replicas what their sidecars run, proving to be an operator. One thread asks; the certificate
// may be replaced from another.
class Peers {
 public:
  Peers(std::string ns, uint16_t port) : ns_(std::move(ns)), port_(port) {}

  void SetCertificate(std::string certificate, std::string key, std::string roots);
  base::Result<distribute::ReplicaReport> Ask(const Replica& replica, std::stop_token stop);

 private:
  const std::string ns_;
  const uint16_t port_;
  std::mutex mutex_;
  std::string certificate_, key_, roots_;
  std::map<std::string, kube::Transfer> connections_;  // by IP
};

}  // namespace tulle::control::status
