#pragma once

#include <atomic>
#include <memory>
#include <stop_token>
#include <string>

#include "lib/base/result.h"
#include "operator/app/settings.h"

namespace tulle::control::app {

// The whole operator: builds every part from the settings and passes each on to those who need it.
//
//   registry -> inbox -> publisher (model, compile) -> server -> sidecars
//                                                   -> status (the leader only) -> Kubernetes
class Operator {
 public:
  explicit Operator(Settings settings);
  ~Operator();

  // Blocks until the root is there and both ports are open; the registry is read afterwards.
  base::Result<bool> Start();
  // Gives the lease back, ends streams, joins all threads.
  void Stop();

 private:
  struct Parts;
  base::Result<bool> StartOnKubernetes();
  base::Result<bool> StartOnDirectory();
  base::Result<bool> StartCommon();
  std::string NotReady() const;
  std::string Metrics();
  void Upkeep(std::stop_token stop);

  const Settings settings_;
  std::atomic<bool> ready_parts_ = false;  // all of them are there and may be read
  std::unique_ptr<Parts> parts_;
};

}  // namespace tulle::control::app
