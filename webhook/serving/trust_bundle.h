#pragma once

#include <chrono>
#include <mutex>
#include <string>

#include "lib/base/result.h"
#include "lib/kube/client.h"

namespace tulle::webhook::serving {

// The roots of the mesh, from ConfigMap tulle-trust-bundle, which the operator writes. Read again when it is
// asked for and older than kFresh; where the API server does not answer, the last one read goes on. Any
// thread may ask.
class TrustBundle {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds kFresh{2};

  TrustBundle(kube::Client& client, std::string ns) : client_(client), ns_(std::move(ns)) {}

  // PEM, or why there is none.
  base::Result<std::string> Get(Clock::time_point now);

 private:
  base::Result<std::string> Read();

  kube::Client& client_;
  const std::string ns_;
  std::mutex mutex_;
  base::Result<std::string> last_{base::Failure{"trust bundle not read yet"}};
  Clock::time_point read_at_{};
  bool was_read_ = false;
};

}  // namespace tulle::webhook::serving
