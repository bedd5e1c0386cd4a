#include "sidecar/app/inbound.h"

#include <algorithm>
#include <array>

#include "lib/identity/certificate.h"
#include "lib/tls/stream.h"
#include "sidecar/app/first_bytes.h"
#include "sidecar/app/limits.h"
#include "sidecar/detect/sniff.h"
#include "sidecar/exchange/exchange.h"
#include "sidecar/exchange/limits.h"
#include "sidecar/exchange/tunnel.h"

namespace tulle::sidecar::app {
namespace {

using exchange::Downstream;
using meshconfig::Protocol;
namespace id = ::tulle::identity;

// Who calls, and whom: fixed for the life of a connection.
struct Caller {
  io::SocketAddress original;            // the app's own address
  std::optional<id::SpiffeId> identity;  // proven by TLS
  std::string name = "unknown";          // for metrics and logs
};

// The app behind this sidecar.
class AppPicker final : public exchange::Picker {
 public:
  explicit AppPicker(std::shared_ptr<upstream::Host> host) : host_(std::move(host)) {}
  std::shared_ptr<upstream::Host> Pick(const std::vector<const upstream::Host*>&) override { return host_; }
  bool HasUntried(const std::vector<const upstream::Host*>&) const override { return false; }

 private:
  std::shared_ptr<upstream::Host> host_;
};

std::shared_ptr<upstream::Host> AppHost(Worker& worker, const io::SocketAddress& address) {
  return worker.hosts().Get(upstream::Target{address, {}}, upstream::kAppIdle);
}

telemetry::Record StartRecord(Worker& worker, const Caller& caller, std::string_view protocol) {
  telemetry::Record record;
  record.inbound = true;
  record.protocol = protocol;
  record.source = caller.name;
  record.destination = worker.facts().workload;
  record.mtls = caller.identity.has_value();
  return record;
}

void Finish(Worker& worker, telemetry::Record& record, io::TimePoint begun) {
  record.duration = io::Clock::now() - begun;
  worker.probe().Done(record);
}

// One request: access, then the exchange with the app. False ends the connection.
io::Task<bool> ServeRequest(Worker& worker, Downstream& downstream, const Caller& caller) {
  const Worker::Busy busy(worker);
  const io::TimePoint begun = io::Clock::now();
  const auto snapshot = worker.snapshot();
  telemetry::Record record = StartRecord(worker, caller, "http");
  const std::string method(downstream.head.method), host(downstream.head.host()),
      path(downstream.head.path());
  record.method = method;
  record.host = host;
  record.path = path;

  access::Call call;
  call.caller = caller.identity ? &*caller.identity : nullptr;
  call.port = caller.original.port();
  call.head = &downstream.head;
  access::Verdict verdict = snapshot->workload->policy.Evaluate(call);
  if (verdict.allowed && !caller.identity) verdict = snapshot->workload->policy.EvaluatePlaintext();
  if (!verdict.allowed) {
    http::LocalReply refusal;
    refusal.status = 403;
    refusal.reason = verdict.reason;
    // With no body behind it the connection can take the caller's next request.
    refusal.keep_alive = downstream.head.keep_alive && downstream.head.framing == http::Framing::kNone;
    refusal.head_only = method == "HEAD";
    if (refusal.keep_alive) downstream.in.Consume(downstream.head_bytes);
    const bool written = co_await downstream.Reply(refusal);
    record.status = 403;
    record.reason = verdict.reason;
    Finish(worker, record, begun);
    co_return written&& refusal.keep_alive;
  }

  AppPicker picker(AppHost(worker, caller.original));
  exchange::Plan plan;
  plan.picker = &picker;
  plan.no_endpoint_reason = "upstream/no-endpoint";
  plan.connect_timeout = kAppConnectTime;
  // The calling sidecar retries, and it can choose another endpoint; a caller without one has only us.
  plan.retry.attempts = 0;
  if (caller.identity) plan.unsent_attempts = 1;
  plan.mark_unsent = true;
  plan.close_after = worker.draining();
  plan.peer_is_sidecar = caller.identity.has_value();
  const http::Field source{http::kSourceHeader, caller.name};
  if (caller.identity) plan.added_headers = {&source, 1};
  exchange::Exchange one(downstream, plan, worker.dialer(), worker.random());
  const exchange::Outcome outcome = co_await one.Run();
  record.status = outcome.status;
  record.reason = outcome.reason;
  record.attempts = outcome.attempts;
  record.request_bytes = outcome.request_bytes;
  record.response_bytes = outcome.response_bytes;
  Finish(worker, record, begun);
  co_return outcome.reusable;
}

io::Task<void> ServeHttp(Worker& worker, Downstream& downstream, const Caller& caller) {
  for (;;) {
    downstream.in.Release();
    downstream.out.Release();
    // The pool of a peer lets go of a connection long before this.
    const io::TimePoint idle_until = worker.loop().now() + exchange::kIdleBetweenRequests;
    const Downstream::NextResult next = co_await downstream.ReadHead(idle_until);
    if (next.next == Downstream::Next::kRequest) {
      if (co_await ServeRequest(worker, downstream, caller)) continue;
      break;
    }
    if (next.next == Downstream::Next::kBad && next.why != nullptr) {
      telemetry::Record record = StartRecord(worker, caller, "http");
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

// A client that may only speak HTTP, and has not spoken yet.
io::Task<Spoken> AwaitRequest(Downstream& downstream, Protocol declared) {
  downstream.stream->readiness().SetDeadline(downstream.stream->readiness().loop().now() + exchange::kHeadTime);
  const std::span<char> space = downstream.in.Space();
  const io::IoResult got = co_await downstream.stream->Read(space);
  if (!got.ok()) co_return Spoken::kSilent;
  downstream.in.Commit(got.bytes);
  co_return co_await FirstBytes(*downstream.stream, downstream.in, declared);
}

access::Verdict JudgeOpaque(Worker& worker, const Caller& caller) {
  access::Call call;
  call.caller = caller.identity ? &*caller.identity : nullptr;
  call.port = caller.original.port();
  const access::Policy& policy = worker.snapshot()->workload->policy;
  access::Verdict verdict = policy.Evaluate(call);
  if (verdict.allowed && !caller.identity) verdict = policy.EvaluatePlaintext();
  return verdict;
}

// A connection whose bytes are not looked at. With `undecided`, only until the client speaks HTTP after all:
// kHttp then, and nothing has happened yet.
io::Task<Spoken> ServeOpaque(Worker& worker, Downstream& downstream, const Caller& caller, bool undecided) {
  const Worker::Busy busy(worker);
  const io::TimePoint begun = io::Clock::now();
  telemetry::Record record = StartRecord(worker, caller, "tcp");
  const Protocol declared = worker.snapshot()->workload->ProtocolOf(caller.original.port());
  access::Verdict verdict = JudgeOpaque(worker, caller);
  std::string reason = verdict.reason;
  if (!verdict.allowed && undecided) {
    const Spoken late = co_await AwaitRequest(downstream, declared);
    if (late == Spoken::kHttp) co_return late;
  }
  if (verdict.allowed) {
    const auto host = AppHost(worker, caller.original);
    record.attempts = 1;
    const std::string_view no_alpn;
    auto dialed = co_await worker.dialer().Dial(host->target(), no_alpn, kAppConnectTime);
    if (dialed) {
      io::Buffer up_in;
      const exchange::Side down_side{*downstream.stream, downstream.in};
      const exchange::Side up_side{**dialed, up_in};
      if (undecided) {
        const Spoken first = co_await FirstSpeaker(down_side, up_side, declared);
        if (first == Spoken::kHttp) co_return first;
        // That may have taken long, and the rules may have changed.
        verdict = JudgeOpaque(worker, caller);
        if (!verdict.allowed) {
          downstream.stream->readiness().ResetOnClose();
          record.reason = verdict.reason;
          Finish(worker, record, begun);
          co_return Spoken::kOpaque;
        }
      }
      const exchange::TunnelResult carried = co_await exchange::Tunnel(down_side, up_side);
      record.request_bytes = carried.bytes_up;
      record.response_bytes = carried.bytes_down;
      if (carried.error != io::Error::kNone) reason = "tunnel/" + std::string(io::Name(carried.error));
    } else {
      reason = dialed.failure().reason;
      downstream.stream->readiness().ResetOnClose();
    }
  } else {
    downstream.stream->readiness().ResetOnClose();
  }
  record.reason = reason;
  Finish(worker, record, begun);
  co_return Spoken::kOpaque;
}

// Looks at the first bytes without taking them, until they say whether this is a peer sidecar.
io::Task<bool> IsPeer(io::Socket& socket, io::Duration patience) {
  socket.SetDeadline(socket.loop().now() + patience);
  std::array<char, 4096> seen;
  detect::Hello hello;
  size_t known = 0;
  while (hello.kind == detect::Hello::Kind::kNeedMore && known < seen.size()) {
    const std::span<char> into(seen);
    const io::IoResult got = co_await socket.Peek(into, known);
    if (!got.ok()) break;
    known = got.bytes;
    hello = detect::ReadHello({seen.data(), known});
  }
  socket.SetDeadline(io::kNever);
  co_return std::any_of(hello.alpn.begin(), hello.alpn.end(),
                        [](const std::string& name) { return name.starts_with("tulle/"); });
}

// The mutual TLS of a peer sidecar: afterwards `caller` is known. Null when it failed.
io::Task<std::unique_ptr<tls::TlsStream>> Authenticate(Worker& worker, std::unique_ptr<io::Socket> socket,
                                                       Caller& caller) {
  if (worker.server_context() == nullptr) {
    worker.probe().HandshakeFailed("no-certificate");
    co_return nullptr;
  }
  auto stream = std::make_unique<tls::TlsStream>(std::move(socket), worker.server_context());
  stream->readiness().SetDeadline(worker.loop().now() + kHandshakeTime);
  const io::Error outcome = co_await stream->Handshake();
  if (outcome != io::Error::kNone) {
    worker.probe().HandshakeFailed(io::Name(outcome));
    co_return nullptr;
  }
  const auto identity = id::PeerIdentity(stream->peer_certificate());
  const auto mesh = worker.snapshot()->mesh;
  if (!identity || (mesh != nullptr && identity->trust_domain != mesh->trust_domain)) {
    worker.probe().HandshakeFailed("identity");
    co_return nullptr;
  }
  stream->readiness().SetDeadline(io::kNever);
  caller.identity = *identity;
  caller.name = id::Print(*identity);
  co_return std::move(stream);
}

}  // namespace

io::Task<void> ServeInbound(Worker& worker, std::unique_ptr<io::Socket> socket, io::SocketAddress) {
  auto original = io::OriginalDestination(socket->fd());
  if (!original) original = worker.facts().inbound_to;
  if (!original) co_return;  // nobody connects to this port but by the redirect
  const auto& own = worker.facts().own_ports;
  if (std::find(own.begin(), own.end(), original->port()) != own.end()) co_return;

  Caller caller;
  caller.original = *original;
  const auto snapshot = co_await worker.AwaitWorkload();
  if (snapshot == nullptr) {
    socket->ResetOnClose();  // no policy, no traffic
    co_return;
  }

  // A client that never speaks first can only be plaintext to a server-first port; under Strict it is refused
  // anyway.
  const Protocol declared = snapshot->workload->ProtocolOf(original->port());
  const bool server_first =
      declared != Protocol::kHttp && snapshot->workload->policy.EvaluatePlaintext().allowed;
  const io::Duration patience = server_first ? io::Duration(kSilentClientTime) : io::Duration(kHandshakeTime);
  const bool peer = co_await IsPeer(*socket, patience);
  Downstream downstream;
  Spoken spoken = Spoken::kOpaque;
  if (peer) {
    auto stream = co_await Authenticate(worker, std::move(socket), caller);
    if (stream == nullptr) co_return;
    const bool http = stream->alpn() == upstream::kHttp1Alpn;
    if (declared != Protocol::kTcp) spoken = Spoken::kSilent;
    if (http) spoken = Spoken::kHttp;
    downstream.stream = std::move(stream);
  } else {
    downstream.stream = std::make_unique<io::PlainStream>(std::move(socket));
    spoken = co_await FirstBytes(*downstream.stream, downstream.in, declared);
  }
  if (spoken != Spoken::kHttp) {
    const bool undecided = spoken == Spoken::kSilent;
    spoken = co_await ServeOpaque(worker, downstream, caller, undecided);
  }
  if (spoken == Spoken::kHttp) co_await ServeHttp(worker, downstream, caller);
}

}  // namespace tulle::sidecar::app
