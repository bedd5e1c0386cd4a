#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "lib/http/write.h"
#include "sidecar/access/rates.h"
#include "sidecar/config/snapshot.h"
#include "sidecar/protect/gradient.h"
#include "sidecar/telemetry/probe.h"

namespace tulle::sidecar::app {

// How much of what may come in the app is given: rate limits, then how many requests at a time. One per
// worker.
class Admission {
 public:
  // Each of `workers` has its part of the limits.
  Admission(telemetry::Probe& probe, int workers) : probe_(probe), workers_(workers) {}

  // Takes over what a newer config says; what did not change keeps its counts. `workload` outlives this, or
  // the next call.
  void Adopt(const config::Workload& workload);

 private:
  friend class Visit;

  telemetry::Probe& probe_;
  int workers_;
  access::Rates rates_;
  // Shared with visits, which may outlast it.
  std::shared_ptr<protect::Gradient> concurrency_;
  std::optional<meshconfig::Concurrency> concurrency_config_;
};

// One request on its way to the app, for as long as it lives; or a refusal.
class Visit {
 public:
  Visit(Admission& admission, const access::Call& call, protect::TimePoint now);
  Visit(const Visit&) = delete;
  ~Visit();

  // The app has answered, and took so long; not called when that says nothing about it.
  void Answered(protect::Duration took) { took_ = took; }

  bool refused() const { return status_ != 0; }
  // Of a refused one; views into this.
  http::LocalReply reply() const;

 private:
  void RefuseByRate(const access::Rated& rated);
  void AskConcurrency(Admission& admission, const access::Call& call, protect::TimePoint now);

  std::shared_ptr<protect::Gradient> gradient_;  // null: not in flight
  protect::Duration took_{};
  int status_ = 0;
  std::string reason_;
  std::array<std::string, 3> values_;
  std::array<http::Field, 3> fields_;
  size_t field_count_ = 0;
};

}  // namespace tulle::sidecar::app
