#include "sidecar/app/outbound.h"

#include "sidecar/app/conversation.h"
#include "sidecar/app/course.h"
#include "sidecar/app/limits.h"
#include "sidecar/exchange/exchange.h"
#include "sidecar/exchange/limits.h"

namespace tulle::sidecar::app {
namespace {

using exchange::Downstream;
using meshconfig::Protocol;

// The calls of the app on one connection.
class OutboundCalls final : public Conversation {
 public:
  OutboundCalls(Worker& worker, Call call, Protocol declared)
      : Conversation(worker, declared, false, http2::kOwnAppLimits), call_(std::move(call)) {}

  io::Task<bool> ServeRequest(Downstream& downstream) override;
  io::Task<Spoken> ServeOpaque(Downstream& downstream, bool undecided) override;
  telemetry::Record StartRecord(std::string_view protocol) const override;

 private:
  void Refresh();

  Call call_;
  uint64_t seen_ = 0;  // the serial number of the snapshot that call_ is of
};

telemetry::Record OutboundCalls::StartRecord(std::string_view protocol) const {
  telemetry::Record record;
  record.protocol = protocol;
  record.source = worker_.facts().workload;
  record.destination = call_.name();
  return record;
}

// A newer config may have come since the last request on this connection.
void OutboundCalls::Refresh() {
  if (worker_.snapshot_serial() == seen_) return;
  seen_ = worker_.snapshot_serial();
  const auto& snapshot = worker_.snapshot();
  const auto fresh = snapshot->destinations.find(call_.original.WithPort(0));
  if (fresh != snapshot->destinations.end()) call_.destination = fresh->second;
}

// One request of the app: route, then balance, then the exchange with its attempts. False ends the
// connection.
io::Task<bool> OutboundCalls::ServeRequest(Downstream& downstream) {
  const Worker::Busy busy(worker_);
  const io::TimePoint begun = io::Clock::now();
  Refresh();
  const Call call = call_;  // what other requests of this connection learn does not concern this one
  telemetry::Record record = StartRecord(downstream.protocol());
  downstream.Remember(record.method, record.host, record.path);

  exchange::Plan plan;
  plan.keep_mesh_headers = true;
  plan.close_after = downstream.last;
  plan.reader_patience = overload::Shrink(exchange::kBodyIdle, worker_.level());
  plan.kind = KindFor(downstream);
  plan.no_endpoint_reason = "upstream/no-endpoint";
  const Course course(worker_, call, downstream, plan, begun);
  course.Describe(record);
  if (course.delay() > io::Duration::zero()) co_await worker_.loop().Sleep(course.delay());
  if (const http::LocalReply* reply = course.reply()) {
    if (reply->keep_alive) downstream.in.Consume(downstream.head_bytes);
    const bool written = co_await downstream.Reply(*reply);
    record.status = reply->status;
    record.reason = reply->reason;
    Finish(record, begun);
    co_return written && reply->keep_alive;
  }

  exchange::Exchange one(downstream, course.plan(), worker_.connector(), worker_.random());
  const exchange::Outcome outcome = co_await one.Run();
  if (outcome.limit != nullptr) {
    worker_.probe().Limited(outcome.limit, course.plan().limits_source, outcome.limit_shadow);
  }
  if (outcome.host != nullptr) {
    record.endpoint = outcome.host->text();
    record.mtls = !outcome.host->target().identity.empty();
  }
  Describe(outcome, record);
  Finish(record, begun);
  co_return outcome.reusable;
}

// One endpoint for all of the connection.
io::Task<Spoken> OutboundCalls::ServeOpaque(Downstream& downstream, bool undecided) {
  const Worker::Busy busy(worker_);
  const io::TimePoint begun = io::Clock::now();
  const Call call = call_;
  telemetry::Record record = StartRecord("tcp");
  std::optional<BackendPicker> by_backend;
  std::optional<exchange::FixedPicker> fixed;
  exchange::Picker* picker = nullptr;
  io::Duration connect_timeout = kStrangerConnectTime;
  const auto service = call.destination.service;
  if (const config::ServicePort* port = call.port()) {
    const route::RequestView view{nullptr, worker_.facts().workload};
    const route::Decision decision = route::Decide(port->rules, view, worker_.Random64());
    if (const auto* backend = decision.backend(); backend != nullptr && !backend->error) {
      by_backend.emplace(worker_, *backend, *service);
      picker = &*by_backend;
      record.backend = backend->source;
    }
    if (decision.rule != nullptr) record.rule = decision.rule->config().name;
    connect_timeout = service->policy.connect_timeout;
  } else {
    fixed.emplace(HostOf(worker_, call));
    picker = &*fixed;
  }

  protect::Held open;
  std::string reason = "upstream/no-endpoint";
  if (picker != nullptr && service != nullptr) {
    const std::optional<int64_t>& limit = service->policy.limits.connections;
    open = TakeOne(worker_, *service, service->usage->connections, limit, "connections");
    if (open.refused()) {
      reason = "limit/connections " + service->policy.source;
      picker = nullptr;
    }
  }
  upstream::Tried tried;
  std::shared_ptr<upstream::Host> host;
  std::unique_ptr<upstream::Connection> up;
  while (picker != nullptr && up == nullptr && record.attempts < kTcpAttempts) {
    host = picker->Pick(tried);
    if (picker->full()) reason = "limit/endpoint-requests " + service->policy.source;
    if (host == nullptr) break;
    ++record.attempts;
    tried.Add(host.get());
    record.endpoint = host->text();
    record.mtls = !host->target().identity.empty();
    auto connected = co_await worker_.connector().Connect(host, mux::Kind::kTcp, connect_timeout);
    picker->Report(*host, connected ? protect::Result::kSuccess : protect::Result::kLost);
    if (connected) {
      up = std::move(*connected);
      reason.clear();
    } else {
      reason = connected.failure().reason;
      if (!picker->HasUntried(tried)) break;
    }
  }
  std::optional<upstream::InFlight> in_flight;
  if (up != nullptr) in_flight.emplace(host, worker_.loop().now());
  if (up != nullptr && undecided) {
    const Spoken first = co_await AwaitSpeaker(downstream, *up);
    worker_.learned().Heard(call.original, first == Spoken::kOpaque && !up->in.empty());
    if (IsHttp(first)) co_return first;
  }
  co_await Carry(downstream, up.get(), reason, record, begun);
  co_return Spoken::kOpaque;
}

}  // namespace

io::Task<void> ServeOutbound(Worker& worker, std::unique_ptr<io::Socket> socket, io::SocketAddress) {
  auto original = io::OriginalDestination(socket->fd());
  if (!original) original = worker.facts().outbound_to;
  if (!original) co_return;  // nobody connects to this port but by the redirect

  Call call{*original, {}};
  Downstream downstream;
  downstream.stream = std::make_unique<io::PlainStream>(std::move(socket));
  if (const auto destination = co_await worker.Resolve(*original)) call.destination = *destination;

  const config::ServicePort* port = call.port();
  const bool of_mesh = port != nullptr || call.destination.endpoint != nullptr;
  const Protocol declared = port != nullptr ? port->protocol : Protocol::kDetect;
  Spoken spoken = Spoken::kOpaque;
  if (of_mesh) {
    const bool learned = declared == Protocol::kDetect && worker.learned().ServerFirst(*original);
    spoken = Spoken::kSilent;
    if (!learned) spoken = co_await FirstBytes(*downstream.stream, downstream.in, declared);
    worker.probe().Detected(learned ? "learned" : Name(spoken));
  }
  const auto calls = std::make_shared<OutboundCalls>(worker, std::move(call), declared);
  co_await calls->Serve(std::move(downstream), spoken);
}

}  // namespace tulle::sidecar::app
