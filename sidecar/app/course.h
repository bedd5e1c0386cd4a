#pragma once

#include <memory>
#include <optional>
#include <string>

#include "lib/io/address.h"
#include "sidecar/app/picker.h"
#include "sidecar/app/worker.h"
#include "sidecar/config/snapshot.h"
#include "sidecar/exchange/downstream.h"
#include "sidecar/exchange/exchange.h"
#include "sidecar/exchange/mirror.h"
#include "sidecar/route/router.h"
#include "sidecar/telemetry/probe.h"

namespace tulle::sidecar::app {

// What an outbound connection is about. Of the destination exactly one of service, endpoint and neither
// (passed through as it is) is set.
struct Call {
  io::SocketAddress original;
  config::Destination destination;

  // The called port of the Service; null where there is none.
  const config::ServicePort* port() const;
  // For records.
  std::string_view name() const;
};

// The one place that a call goes to which is for no Service.
std::shared_ptr<upstream::Host> HostOf(Worker& worker, const Call& call);

// What is to become of one request of the app: a plan for its exchange, or an answer at once. Decided before
// anything happens; stays where it is, because its parts point to each other.
class Course {
 public:
  // What the rules say of the request in `downstream`, which began at `begun`; `plan` has what does not
  // depend on rules. `call` outlives this.
  Course(Worker& worker, const Call& call, const exchange::Downstream& downstream, exchange::Plan plan,
         io::TimePoint begun);
  Course(const Course&) = delete;

  const exchange::Plan& plan() const { return plan_; }
  // To be waited before anything else.
  io::Duration delay() const { return delay_; }
  // The answer that is given instead of an exchange; null: there is an exchange.
  const http::LocalReply* reply() const { return answered_ ? &reply_ : nullptr; }
  void Describe(telemetry::Record& record) const;

 private:
  void Follow(const config::Service& service, io::TimePoint begun);
  void GoTo(const config::Service& service, const meshconfig::WeightedBackend& backend, io::TimePoint begun);
  void HandDownDeadline(io::TimePoint begun);
  void EditHeads();
  void KeepClient();
  void AddFault(const meshconfig::Fault& fault);
  void AddMirrors();
  // Answers with `status`; the reason is `word` and what stands behind the decision.
  void Answer(int status, const char* word, std::string_view source);
  bool Chance(int64_t parts_per_million);

  Worker& worker_;
  const Call& call_;
  const exchange::Downstream& downstream_;
  const http::RequestHead& head_;
  exchange::Plan plan_;
  route::Decision decision_;
  std::optional<BackendPicker> by_backend_;
  std::optional<exchange::FixedPicker> fixed_;
  protect::Held in_flight_;
  std::optional<exchange::Mirrors> mirrors_;
  io::Duration delay_{};
  bool answered_ = false;
  http::LocalReply reply_;
  std::string reason_;
  std::string target_;
  std::string location_;
  std::string cookie_;
  http::Field added_;  // to the response
  std::string time_left_;
  http::Field told_;  // to the far sidecar
};

}  // namespace tulle::sidecar::app
