#include "sidecar/app/outbound.h"

#include "sidecar/app/first_bytes.h"
#include "sidecar/app/limits.h"
#include "sidecar/exchange/exchange.h"
#include "sidecar/exchange/limits.h"
#include "sidecar/exchange/tunnel.h"
#include "sidecar/route/router.h"

namespace tulle::sidecar::app {
namespace {

using exchange::Downstream;
using meshconfig::Protocol;

// What an outbound connection is about. Exactly one of service, endpoint and neither (passed through as it
// is).
struct Call {
  io::SocketAddress original;
  config::Destination destination;
};

// Endpoints of a backend, as the snapshot at the moment of each pick has them.
class BackendPicker final : public exchange::Picker {
 public:
  BackendPicker(Worker& worker, const meshconfig::WeightedBackend& backend, meshconfig::LoadBalancing policy)
      : worker_(worker),
        policy_(policy),
        cluster_(worker.clusters().Get(*worker.snapshot(), backend.endpoints,
                                       static_cast<uint16_t>(backend.port))) {}

  std::shared_ptr<upstream::Host> Pick(const std::vector<const upstream::Host*>& tried) override {
    return cluster_->Pick(policy_, tried, worker_.loop().now(), worker_.Random64());
  }
  bool HasUntried(const std::vector<const upstream::Host*>& tried) const override {
    return cluster_->HasUntried(tried);
  }

 private:
  Worker& worker_;
  meshconfig::LoadBalancing policy_;
  std::shared_ptr<upstream::Cluster> cluster_;
};

// The one endpoint that the app named itself.
class FixedPicker final : public exchange::Picker {
 public:
  explicit FixedPicker(std::shared_ptr<upstream::Host> host) : host_(std::move(host)) {}
  std::shared_ptr<upstream::Host> Pick(const std::vector<const upstream::Host*>&) override { return host_; }
  bool HasUntried(const std::vector<const upstream::Host*>&) const override { return false; }

 private:
  std::shared_ptr<upstream::Host> host_;
};

std::shared_ptr<upstream::Host> HostOf(Worker& worker, const Call& call) {
  const bool meshed = call.destination.endpoint != nullptr && !call.destination.endpoint->identity.empty() &&
                      call.original.WithPort(0) != worker.facts().pod;
  upstream::Target target{call.original, meshed ? call.destination.endpoint->identity : std::string()};
  return worker.hosts().Get(target,
                            meshed ? io::Duration(upstream::kPeerIdle) : io::Duration(upstream::kAppIdle));
}

const config::ServicePort* PortOf(const Call& call) {
  if (call.destination.service == nullptr) return nullptr;
  const auto found = call.destination.service->ports.find(call.original.port());
  return found == call.destination.service->ports.end() ? nullptr : &found->second;
}

std::string_view NameOf(const Call& call) {
  if (call.destination.service != nullptr) return call.destination.service->name;
  if (call.destination.endpoint != nullptr) return call.destination.endpoint->pod;
  return "passthrough";
}

telemetry::Record StartRecord(Worker& worker, const Call& call, std::string_view protocol) {
  telemetry::Record record;
  record.protocol = protocol;
  record.source = worker.facts().workload;
  record.destination = NameOf(call);
  return record;
}

// One request of the app: route, then balance, then the exchange with its attempts. False ends the
// connection.
io::Task<bool> ServeRequest(Worker& worker, Downstream& downstream, Call call) {
  const Worker::Busy busy(worker);
  const io::TimePoint begun = io::Clock::now();
  // A newer config may have come since the last request on this connection.
  const auto snapshot = worker.snapshot();
  if (const auto fresh = snapshot->destinations.find(call.original.WithPort(0));
      fresh != snapshot->destinations.end()) {
    call.destination = fresh->second;
  }
  telemetry::Record record = StartRecord(worker, call, "http");
  const std::string method(downstream.head.method), host(downstream.head.host()),
      path(downstream.head.path());
  record.method = method;
  record.host = host;
  record.path = path;

  exchange::Plan plan;
  plan.keep_mesh_headers = true;
  plan.close_after = false;
  plan.alpn = upstream::kHttp1Alpn;
  plan.no_endpoint_reason = "upstream/no-endpoint";
  std::optional<BackendPicker> by_backend;
  std::optional<FixedPicker> fixed;
  http::LocalReply refusal;
  const config::ServicePort* port = PortOf(call);
  if (port != nullptr) {
    const config::Service& service = *call.destination.service;
    const route::RequestView view{&downstream.head};
    const route::Decision decision = route::Decide(port->rules, view, worker.Random64());
    if (decision.rule == nullptr) {
      refusal.status = 404;
      refusal.reason = "route/no-rule";
    } else if (decision.backend == nullptr || decision.backend->error) {
      refusal.status = 500;
      refusal.reason = "route/no-backend";
      if (decision.backend != nullptr) refusal.detail = *decision.backend->error;
    } else {
      by_backend.emplace(worker, *decision.backend, service.policy.load_balancing);
      plan.picker = &*by_backend;
      record.backend = decision.backend->source;
      plan.connect_timeout = service.policy.connect_timeout;
      const auto timeout =
          decision.rule->config().timeout ? decision.rule->config().timeout : service.policy.request_timeout;
      if (timeout && timeout->count() > 0) plan.deadline = begun + *timeout;
      plan.retry = decision.rule->config().retry.value_or(service.policy.retry);
    }
    if (decision.rule != nullptr) record.rule = decision.rule->config().name;
  } else {
    fixed.emplace(HostOf(worker, call));
    plan.picker = &*fixed;
  }

  if (!refusal.reason.empty()) {
    refusal.keep_alive = false;
    refusal.head_only = method == "HEAD";
    co_await downstream.Reply(refusal);
    record.status = refusal.status;
    record.reason = refusal.reason;
    record.duration = io::Clock::now() - begun;
    worker.probe().Done(record);
    co_return false;
  }

  exchange::Exchange one(downstream, plan, worker.dialer(), worker.random());
  const exchange::Outcome outcome = co_await one.Run();
  std::string endpoint;
  if (outcome.host != nullptr) {
    endpoint = outcome.host->target().address.Text();
    record.mtls = !outcome.host->target().identity.empty();
  }
  record.endpoint = endpoint;
  record.status = outcome.status;
  record.reason = outcome.reason;
  record.attempts = outcome.attempts;
  record.request_bytes = outcome.request_bytes;
  record.response_bytes = outcome.response_bytes;
  record.duration = io::Clock::now() - begun;
  worker.probe().Done(record);
  co_return outcome.reusable;
}

io::Task<void> ServeHttp(Worker& worker, Downstream& downstream, const Call& call) {
  for (;;) {
    const io::TimePoint idle_until = worker.loop().now() + exchange::kIdleBetweenRequests;
    downstream.in.Release();
    downstream.out.Release();
    const Downstream::NextResult next = co_await downstream.ReadHead(idle_until);
    if (next.next == Downstream::Next::kRequest) {
      if (co_await ServeRequest(worker, downstream, call)) continue;
      break;
    }
    if (next.next == Downstream::Next::kBad && next.why != nullptr) {
      telemetry::Record record = StartRecord(worker, call, "http");
      record.status = next.reply;
      record.reason = next.why;
      http::LocalReply reply;
      reply.status = next.reply;
      reply.reason = next.why;
      reply.keep_alive = false;
      co_await downstream.Reply(reply);
      worker.probe().Done(record);
    }
    break;
  }
  co_await io::CloseSoftly(std::move(downstream.stream), exchange::kLinger, exchange::kLingerBytes);
}

// A connection whose bytes are not looked at: one endpoint for all of it. With `undecided`, only until the
// client speaks HTTP after all: kHttp then, and nothing has happened yet.
io::Task<Spoken> ServeOpaque(Worker& worker, Downstream& downstream, const Call& call, bool undecided) {
  const Worker::Busy busy(worker);
  const io::TimePoint begun = io::Clock::now();
  telemetry::Record record = StartRecord(worker, call, "tcp");
  std::optional<BackendPicker> by_backend;
  std::optional<FixedPicker> fixed;
  exchange::Picker* picker = nullptr;
  io::Duration connect_timeout = std::chrono::seconds(5);
  const auto service = call.destination.service;
  if (const config::ServicePort* port = PortOf(call)) {
    const route::RequestView nothing;
    const route::Decision decision = route::Decide(port->rules, nothing, worker.Random64());
    if (decision.backend != nullptr && !decision.backend->error) {
      by_backend.emplace(worker, *decision.backend, service->policy.load_balancing);
      picker = &*by_backend;
      record.backend = decision.backend->source;
    }
    if (decision.rule != nullptr) record.rule = decision.rule->config().name;
    connect_timeout = service->policy.connect_timeout;
  } else {
    fixed.emplace(HostOf(worker, call));
    picker = &*fixed;
  }

  std::string reason = "upstream/no-endpoint";
  std::string endpoint;
  std::vector<const upstream::Host*> tried;
  std::shared_ptr<upstream::Host> host;
  std::unique_ptr<io::Stream> up;
  while (picker != nullptr && up == nullptr && record.attempts < kTcpAttempts) {
    host = picker->Pick(tried);
    if (host == nullptr) break;
    ++record.attempts;
    tried.push_back(host.get());
    endpoint = host->target().address.Text();
    record.mtls = !host->target().identity.empty();
    auto dialed = co_await worker.dialer().Dial(host->target(), upstream::kTcpAlpn, connect_timeout);
    if (dialed) {
      up = std::move(*dialed);
      reason.clear();
    } else {
      host->Avoid(worker.loop().now());
      reason = dialed.failure().reason;
      if (!picker->HasUntried(tried)) break;
    }
  }
  if (up == nullptr) {
    downstream.stream->readiness().ResetOnClose();
  } else {
    const upstream::InFlight in_flight(host);
    io::Buffer up_in;
    const exchange::Side down_side{*downstream.stream, downstream.in};
    const exchange::Side up_side{*up, up_in};
    if (undecided) {
      const Spoken first = co_await FirstSpeaker(down_side, up_side, meshconfig::Protocol::kDetect);
      if (first == Spoken::kHttp) co_return first;
    }
    const exchange::TunnelResult carried = co_await exchange::Tunnel(down_side, up_side);
    record.request_bytes = carried.bytes_up;
    record.response_bytes = carried.bytes_down;
    if (carried.error != io::Error::kNone) reason = "tunnel/" + std::string(io::Name(carried.error));
  }
  record.endpoint = endpoint;
  record.reason = reason;
  record.duration = io::Clock::now() - begun;
  worker.probe().Done(record);
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

  const config::ServicePort* port = PortOf(call);
  const bool of_mesh = port != nullptr || call.destination.endpoint != nullptr;
  Spoken spoken = Spoken::kOpaque;
  if (of_mesh) {
    const Protocol declared = port != nullptr ? port->protocol : Protocol::kDetect;
    spoken = co_await FirstBytes(*downstream.stream, downstream.in, declared);
    worker.probe().Detected(Name(spoken));
  }
  if (spoken != Spoken::kHttp) {
    const bool undecided = spoken == Spoken::kSilent;
    spoken = co_await ServeOpaque(worker, downstream, call, undecided);
  }
  if (spoken == Spoken::kHttp) co_await ServeHttp(worker, downstream, call);
}

}  // namespace tulle::sidecar::app
