#include "sidecar/app/inbound.h"

#include <algorithm>
#include <array>

#include "lib/http/timeout.h"
#include "lib/identity/certificate.h"
#include "lib/tls/stream.h"
#include "sidecar/app/conversation.h"
#include "sidecar/app/limits.h"
#include "sidecar/detect/hello.h"
#include "sidecar/exchange/exchange.h"
#include "sidecar/exchange/limits.h"

namespace tulle::sidecar::app {
namespace {

using exchange::Downstream;
using meshconfig::Protocol;
constexpr http2::Limits kStrangerLimits;
namespace id = ::tulle::identity;

// Who calls, and whom: fixed for the life of a connection.
struct Caller {
  io::SocketAddress original;              // the app's own address
  std::optional<access::Caller> identity;  // proven by TLS

  std::string_view name() const { return identity ? std::string_view(identity->text) : "unknown"; }
};

// The calls of one caller to the app.
class InboundCalls final : public Conversation {
 public:
  InboundCalls(Worker& worker, Caller caller, Protocol declared)
      : Conversation(worker, declared, caller.identity.has_value(), kStrangerLimits),
        caller_(std::move(caller)),
        app_(worker.hosts().Get(upstream::Target{caller_.original, {}}, upstream::kAppIdle)) {}

  io::Task<bool> ServeRequest(Downstream& downstream) override;
  io::Task<Spoken> ServeOpaque(Downstream& downstream, bool undecided) override;
  telemetry::Record StartRecord(std::string_view protocol) const override;

 private:
  access::Call CallOf(const http::RequestHead* head) const;
  access::Verdict Judge(const http::RequestHead* head) const;
  io::Task<bool> Refuse(Downstream& downstream, http::LocalReply refusal, telemetry::Record& record,
                        io::TimePoint begun);
  io::Duration PatienceWithSilence() const;

  const Caller caller_;
  const std::shared_ptr<upstream::Host> app_;
};

telemetry::Record InboundCalls::StartRecord(std::string_view protocol) const {
  telemetry::Record record;
  record.inbound = true;
  record.protocol = protocol;
  record.source = caller_.name();
  record.destination = worker_.facts().workload;
  record.mtls = caller_.identity.has_value();
  return record;
}

access::Call InboundCalls::CallOf(const http::RequestHead* head) const {
  access::Call call;
  call.caller = caller_.identity ? &*caller_.identity : nullptr;
  call.port = caller_.original.port();
  call.head = head;
  return call;
}

access::Verdict InboundCalls::Judge(const http::RequestHead* head) const {
  const access::Policy& policy = worker_.snapshot()->workload->policy;
  access::Verdict verdict = policy.Evaluate(CallOf(head));
  if (verdict.allowed && !caller_.identity) verdict = policy.EvaluatePlaintext();
  return verdict;
}

// With no body behind it the connection can take the caller's next request.
io::Task<bool> InboundCalls::Refuse(Downstream& downstream, http::LocalReply refusal,
                                    telemetry::Record& record, io::TimePoint begun) {
  refusal.keep_alive =
      downstream.head.keep_alive && downstream.head.framing == http::Framing::kNone && !downstream.last;
  refusal.head_only = record.method == "HEAD";
  if (refusal.keep_alive) downstream.in.Consume(downstream.head_bytes);
  const bool written = co_await downstream.Reply(refusal);
  record.status = refusal.status;
  record.reason = refusal.reason;
  Finish(record, begun);
  co_return written&& refusal.keep_alive;
}

// One request: access, limits, then the exchange with the app. False ends the connection.
io::Task<bool> InboundCalls::ServeRequest(Downstream& downstream) {
  const Worker::Busy busy(worker_);
  const io::TimePoint begun = io::Clock::now();
  telemetry::Record record = StartRecord(downstream.protocol());
  downstream.Remember(record.method, record.host, record.path);

  const access::Verdict verdict = Judge(&downstream.head);
  if (!verdict.allowed) {
    http::LocalReply refusal;
    refusal.status = 403;
    refusal.reason = verdict.reason;
    co_return co_await Refuse(downstream, refusal, record, begun);
  }
  Visit visit(worker_.admission(), CallOf(&downstream.head), begun);
  if (visit.refused()) {
    const http::LocalReply refusal = visit.reply();
    co_return co_await Refuse(downstream, refusal, record, begun);
  }

  exchange::FixedPicker picker(app_);
  exchange::Plan plan;
  plan.picker = &picker;
  plan.kind = KindFor(downstream);
  plan.no_endpoint_reason = "upstream/no-endpoint";
  plan.connect_timeout = kAppConnectTime;
  // The calling sidecar retries, and it can choose another endpoint; a caller without one has only us.
  plan.retry.attempts = 0;
  if (caller_.identity) plan.unsent_attempts = 1;
  plan.mark_unsent = true;
  plan.close_after = worker_.draining() || downstream.last;
  plan.reader_patience = overload::Shrink(exchange::kBodyIdle, worker_.level());
  const http::Field source{http::kSourceHeader, caller_.name()};
  if (caller_.identity) {
    plan.request.added = {&source, 1};
    const http::Header* header = downstream.head.Find(http::kTimeLeftHeader);
    const auto left = header == nullptr ? std::nullopt : http::ParseTimeLeft(header->value);
    if (left) plan.deadline = begun + *left + kAfterCallersDeadline;
  }
  exchange::Exchange one(downstream, plan, worker_.connector(), worker_.random());
  const exchange::Outcome outcome = co_await one.Run();
  const bool answered = outcome.reason.empty() && outcome.status != 101;
  if (answered) visit.Answered(io::Clock::now() - begun);
  Describe(outcome, record);
  Finish(record, begun);
  co_return outcome.reusable;
}

// A client that may only speak HTTP, and has not spoken yet. Whom nothing that it says can help is not waited
// for.
io::Duration InboundCalls::PatienceWithSilence() const {
  const bool hopeless =
      !caller_.identity && !worker_.snapshot()->workload->policy.EvaluatePlaintext().allowed;
  return hopeless ? io::Duration(kSilentClientTime) : io::Duration(exchange::kHeadTime);
}

io::Task<Spoken> AwaitRequest(Downstream& downstream, Protocol declared, io::Duration patience) {
  downstream.stream->readiness().SetDeadline(downstream.stream->readiness().loop().now() + patience);
  const io::IoResult got = co_await downstream.stream->ReadInto(downstream.in);
  if (!got.ok()) co_return Spoken::kSilent;
  co_return co_await FirstBytes(*downstream.stream, downstream.in, declared);
}

io::Task<Spoken> InboundCalls::ServeOpaque(Downstream& downstream, bool undecided) {
  const Worker::Busy busy(worker_);
  const io::TimePoint begun = io::Clock::now();
  telemetry::Record record = StartRecord("tcp");
  access::Verdict verdict = Judge(nullptr);
  if (!verdict.allowed && undecided) {
    const io::Duration patience = PatienceWithSilence();
    const Spoken late = co_await AwaitRequest(downstream, declared_, patience);
    if (IsHttp(late)) co_return late;
  }
  std::string reason = verdict.reason;
  std::unique_ptr<upstream::Connection> up;
  if (verdict.allowed) {
    record.attempts = 1;
    auto connected = co_await worker_.connector().Connect(app_, mux::Kind::kTcp, kAppConnectTime);
    if (connected) {
      up = std::move(*connected);
    } else {
      reason = connected.failure().reason;
    }
  }
  if (up != nullptr && undecided) {
    const Spoken first = co_await AwaitSpeaker(downstream, *up);
    if (IsHttp(first)) co_return first;
    reason = Judge(nullptr).reason;  // that may have taken long, and the rules may have changed
  }
  co_await Carry(downstream, up.get(), reason, record, begun);
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
  // A storm of handshakes must not stop those who have theirs behind them.
  const io::TimePoint deadline = worker.loop().now() + kHandshakeTime;
  io::Gate::Visit visit(worker.handshakes(), deadline);
  const io::Gate::Answer answer = co_await visit;
  if (answer != io::Gate::Answer::kIn) {
    worker.limits().Hit(overload::Limit::kHandshakes);
    worker.probe().HandshakeFailed("crowded");
    socket->ResetOnClose();
    co_return nullptr;
  }
  auto stream = std::make_unique<tls::TlsStream>(std::move(socket), worker.server_context());
  visit.ThrowOutBy(stream->readiness());
  stream->readiness().SetDeadline(deadline);
  const io::Error outcome = co_await stream->Handshake();
  if (visit.outstayed()) worker.limits().Hit(overload::Limit::kHandshakes);
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
  if (stream->alpn() == upstream::kMuxAlpn) stream->socket().NoticeLoss(true);
  caller.identity.emplace(*identity);
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

  // A client that does not speak first can only be plaintext to a server-first port; under Strict it is
  // refused anyway.
  const Protocol declared = snapshot->workload->ProtocolOf(original->port());
  io::Duration patience = kHandshakeTime;
  if (!ClientFirst(declared)) {
    const bool plaintext = snapshot->workload->policy.EvaluatePlaintext().allowed;
    patience = plaintext ? io::Duration(kSilentClientTime) : io::Duration(kSilentStrangerTime);
  }
  const bool peer = co_await IsPeer(*socket, patience);
  Downstream downstream;
  Spoken spoken = declared == Protocol::kTcp ? Spoken::kOpaque : Spoken::kSilent;
  std::string_view alpn;
  if (peer) {
    auto stream = co_await Authenticate(worker, std::move(socket), caller);
    if (stream == nullptr) co_return;
    alpn = stream->alpn();
    if (alpn == upstream::kHttp1Alpn) spoken = Spoken::kHttp;
    downstream.stream = std::move(stream);
  } else {
    downstream.stream = std::make_unique<io::PlainStream>(std::move(socket));
    spoken = co_await FirstBytes(*downstream.stream, downstream.in, declared);
    worker.probe().Detected(Name(spoken));
  }
  const auto calls = std::make_shared<InboundCalls>(worker, std::move(caller), declared);
  if (alpn == upstream::kMuxAlpn) {
    co_await calls->ServeMux(std::move(downstream.stream));
  } else if (alpn == upstream::kHttp2Alpn) {
    co_await calls->ServeHttp2(std::move(downstream), http2::kPeerLimits, mux::Kind::kHttp1);
  } else {
    co_await calls->Serve(std::move(downstream), spoken);
  }
}

}  // namespace tulle::sidecar::app
