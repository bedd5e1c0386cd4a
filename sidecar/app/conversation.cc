#include "sidecar/app/conversation.h"

#include "lib/http2/server.h"
#include "lib/mux/session.h"
#include "sidecar/app/limits.h"
#include "sidecar/detect/sniff.h"
#include "sidecar/exchange/limits.h"
#include "sidecar/exchange/tunnel.h"

namespace tulle::sidecar::app {
namespace {

using exchange::Downstream;

io::Task<void> ServeAlone(std::shared_ptr<Conversation> conversation, Downstream downstream, Spoken spoken) {
  co_await conversation->Serve(std::move(downstream), spoken);
}

}  // namespace

io::Task<void> Conversation::Serve(Downstream downstream, Spoken spoken) {
  downstream.peer = peer_;
  if (spoken == Spoken::kSilent && !peer_ && ClientFirst(declared_)) {
    if (!co_await AwaitClient(downstream)) co_return;
    spoken = co_await FirstBytes(*downstream.stream, downstream.in, declared_);
  }
  if (spoken == Spoken::kOpaque || spoken == Spoken::kSilent) {
    // A connection of its own was refused when it came.
    if (const auto limit = downstream.shared ? worker_.Refusal() : std::nullopt) {
      RefuseOpaque(downstream, *limit);
      co_return;
    }
    const bool undecided = spoken == Spoken::kSilent;
    spoken = co_await ServeOpaque(downstream, undecided);
  }
  if (spoken == Spoken::kHttp) co_await ServeHttp(downstream);
  if (spoken == Spoken::kHttp2) co_await ServeHttp2(std::move(downstream), http2_, mux::Kind::kHttp2);
}

// A client that is slow to begin is what it is declared to be, but in which version only its first bytes say.
io::Task<bool> Conversation::AwaitClient(Downstream& downstream) {
  io::Readiness& readiness = downstream.stream->readiness();
  const Worker::Idle idle(worker_, downstream.in, readiness);
  readiness.SetDeadline(worker_.loop().now() +
                        overload::Shrink(exchange::kIdleBetweenRequests, worker_.level()));
  const io::IoResult got = co_await downstream.stream->ReadInto(downstream.in);
  co_return got.ok();
}

io::Task<void> Conversation::ServeHttp(Downstream& downstream) {
  for (size_t requests = 1;; ++requests) {
    downstream.in.Release();
    downstream.out.Release();
    const Downstream::NextResult next = co_await AwaitHead(downstream);
    if (next.next == Downstream::Next::kBad && next.why != nullptr) co_await Refuse(downstream, next);
    if (next.next != Downstream::Next::kRequest) break;
    if (const auto limit = worker_.Refusal()) {
      co_await RefuseRequest(downstream, *limit);
      break;
    }
    if (requests == kMaxRequestsPerConnection) worker_.limits().Hit(overload::Limit::kRequestsPerConnection);
    downstream.last = requests >= kMaxRequestsPerConnection || worker_.level() >= overload::Level::kFull;
    {
      const Worker::Request in_flight(worker_);
      if (!co_await ServeRequest(downstream)) break;
    }
    if (requests % kRequestsInARow == 0) co_await worker_.loop().Yield();
  }
  co_await io::CloseSoftly(std::move(downstream.stream), exchange::kLinger, exchange::kLingerBytes);
}

// Under pressure clients between two requests are let go sooner. Not streams: who opened them lets them go,
// since a request that meets the end of a stream would be lost.
io::Task<Downstream::NextResult> Conversation::AwaitHead(Downstream& downstream) {
  // The pool of a peer lets go of a connection long before this.
  if (downstream.shared) {
    const io::TimePoint idle_until = worker_.loop().now() + exchange::kIdleBetweenRequests;
    co_return co_await downstream.ReadHead(idle_until);
  }
  const Worker::Idle idle(worker_, downstream.in, downstream.stream->readiness());
  const io::TimePoint idle_until =
      worker_.loop().now() + overload::Shrink(exchange::kIdleBetweenRequests, worker_.level());
  co_return co_await downstream.ReadHead(idle_until);
}

io::Task<void> Conversation::Refuse(Downstream& downstream, const Downstream::NextResult& bad) {
  if (bad.reply == 408) worker_.limits().Hit(overload::Limit::kHeadTime);
  if (bad.reply == 431) {
    const bool long_head = std::string_view(bad.why) == "http/head-too-large";
    worker_.limits().Hit(long_head ? overload::Limit::kHeadBytes : overload::Limit::kHeaders);
  }
  telemetry::Record record = StartRecord("http");
  record.status = bad.reply;
  record.reason = bad.why;
  http::LocalReply reply;
  reply.status = bad.reply;
  reply.reason = bad.why;
  reply.keep_alive = false;
  co_await downstream.Reply(reply);
  worker_.probe().Done(record);
}

io::Task<void> Conversation::RefuseRequest(Downstream& downstream, overload::Limit limit) {
  worker_.limits().Hit(limit);
  telemetry::Record record = StartRecord(downstream.protocol());
  downstream.Remember(record.method, record.host, record.path);
  http::LocalReply reply;
  reply.reason = overload::Reason(limit);
  reply.unsent = record.inbound;  // the calling sidecar may know another endpoint
  reply.keep_alive = false;
  reply.head_only = record.method == "HEAD";
  co_await downstream.Reply(reply);
  record.status = reply.status;
  record.reason = reply.reason;
  worker_.probe().Done(record);
}

void Conversation::RefuseOpaque(Downstream& downstream, overload::Limit limit) {
  worker_.limits().Hit(limit);
  telemetry::Record record = StartRecord("tcp");
  record.reason = overload::Reason(limit);
  downstream.stream->readiness().ResetOnClose();
  worker_.probe().Done(record);
}

io::Task<Spoken> Conversation::AwaitSpeaker(Downstream& downstream, upstream::Connection& up) {
  const io::TimePoint deadline =
      worker_.loop().now() + overload::Shrink(exchange::kIdleBetweenRequests, worker_.level());
  std::optional<Worker::Idle> idle;
  if (!downstream.shared) idle.emplace(worker_, downstream.in, downstream.stream->readiness());
  const exchange::Side down_side{*downstream.stream, downstream.in};
  const exchange::Side up_side{*up.stream, up.in};
  co_return co_await FirstSpeaker(down_side, up_side, declared_, deadline);
}

io::Task<void> Conversation::Carry(Downstream& downstream, upstream::Connection* up,
                                   const std::string& failed, telemetry::Record& record,
                                   io::TimePoint begun) {
  io::Readiness& readiness = downstream.stream->readiness();
  std::string reason = failed;
  if (reason.empty() && readiness.expired()) reason = "timeout/first-bytes";
  const bool word = declared_ == meshconfig::Protocol::kDetect &&
                    detect::SniffPlain(downstream.in.view()) == detect::Spoken::kWord;
  detect::Overheard overheard(word);
  if (reason.empty()) {
    const exchange::Side down_side{*downstream.stream, downstream.in};
    const exchange::Side up_side{*up->stream, up->in};
    const exchange::TunnelResult carried = co_await exchange::Tunnel(down_side, up_side, &overheard);
    record.request_bytes = carried.bytes_up;
    record.response_bytes = carried.bytes_down;
    record.sni = overheard.server_name();
    if (carried.refused) {
      reason = "http/late-request";
    } else if (carried.error != io::Error::kNone) {
      reason = "tunnel/" + std::string(io::Name(carried.error));
    }
  } else {
    readiness.ResetOnClose();
  }
  record.reason = reason;
  Finish(record, begun);
}

void Conversation::Describe(const exchange::Outcome& outcome, telemetry::Record& record) {
  record.status = outcome.status;
  record.reason = outcome.reason;
  record.attempts = outcome.attempts;
  record.request_bytes = outcome.request_bytes;
  record.response_bytes = outcome.response_bytes;
}

void Conversation::Finish(telemetry::Record& record, io::TimePoint begun) {
  record.duration = io::Clock::now() - begun;
  worker_.probe().Done(record);
}

mux::Kind Conversation::KindFor(const Downstream& downstream) const {
  if (downstream.head.upgrade) return mux::Kind::kHttp1;
  return declared_ == meshconfig::Protocol::kHttp2 ? mux::Kind::kHttp2 : downstream.kind;
}

void Conversation::ServeStream(std::unique_ptr<io::Stream> stream, mux::Kind kind) {
  Downstream downstream;
  downstream.stream = std::move(stream);
  downstream.kind = kind;
  downstream.shared = true;
  Spoken spoken = Spoken::kHttp;
  if (kind == mux::Kind::kTcp)
    spoken = declared_ == meshconfig::Protocol::kTcp ? Spoken::kOpaque : Spoken::kSilent;
  worker_.loop().Spawn(ServeAlone(shared_from_this(), std::move(downstream), spoken));
}

io::Task<void> Conversation::ServeHttp2(Downstream downstream, const http2::Limits& limits, mux::Kind kind) {
  http2::ServerSession session(std::move(downstream.stream), std::move(downstream.in), limits);
  const Worker::Leaver leaver(worker_, [&session] { session.Leave(); });
  io::Task<void> running = session.Run();
  running.Start();
  while (auto stream = co_await session.Next()) ServeStream(std::move(stream), kind);
  co_await std::move(running);
  ReportThrownOut("http2", session.why());
}

io::Task<void> Conversation::ServeMux(std::unique_ptr<io::Stream> transport) {
  mux::Session session(
      std::move(transport),
      [this](std::unique_ptr<io::Stream> stream, mux::Kind kind) { ServeStream(std::move(stream), kind); },
      [this] { worker_.limits().Hit(overload::Limit::kStreams); });
  const Worker::Leaver leaver(worker_, [&session] { session.Leave(); });
  co_await session.Run();
  ReportThrownOut("mux", session.why());
}

void Conversation::ReportThrownOut(std::string_view protocol, const char* why) {
  if (why == nullptr) return;
  telemetry::Record record = StartRecord(protocol);
  record.reason = why;
  worker_.probe().Done(record);
}

}  // namespace tulle::sidecar::app
