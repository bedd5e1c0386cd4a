#include "sidecar/exchange/exchange.h"

#include <algorithm>

#include "sidecar/exchange/limits.h"

namespace tulle::sidecar::exchange {

Exchange::Exchange(Downstream& downstream, const Plan& plan, upstream::Connector& connector,
                   std::minstd_rand& random)
    : downstream_(downstream),
      plan_(plan),
      connector_(connector),
      random_(random),
      loop_(downstream.stream->readiness().loop()),
      hang_up_(*this),
      retries_left_(static_cast<int>(plan.retry.attempts)) {}

// Takes from the request head all that is needed later, since its views die when more of the body is read.
void Exchange::Prepare() {
  const http::RequestHead& head = downstream_.head;
  method_ = head.method;
  idempotent_ = http::IsIdempotent(head.method);
  client_is_1_0_ = head.minor_version == 0;
  client_keeps_alive_ = head.keep_alive && !plan_.close_after;
  upgrade_ = head.upgrade;
  request_body_ = http::BodyDecoder(head);
  http::AppendRequestHead(request_, head, plan_.request);
  downstream_.in.Consume(downstream_.head_bytes);

  const http::BodyDecoder::Step body = request_body_.Take(downstream_.in.view());
  request_broken_ = body.bad;
  request_.Append(body.payload);
  outcome_.request_bytes = body.bytes;
  downstream_.in.Consume(body.bytes);
  replayable_ = request_.size() <= kMaxReplayBytes;
  if (request_body_.done()) SendCopies();

  io::Readiness& client = downstream_.stream->readiness();
  client.AwaitHangUp(hang_up_);
  if (client.hung_up()) OnHangUp();
}

// A client that ended its direction may still want its answer; one whose connection is gone does not, and
// nobody should work for it.
void Exchange::OnHangUp() {
  io::Readiness& client = downstream_.stream->readiness();
  client_gone_ = client.broken() || downstream_.peer;
  client_deadline_ = client_gone_ ? loop_.now() : loop_.now() + kAfterHangUp;
  if (!client.broken()) client.AwaitHangUp(hang_up_);
  if (connection_ == nullptr || (relaying_ && !client_gone_)) return;
  connection_->stream->readiness().SetDeadline(TryDeadline());
}

io::Task<Outcome> Exchange::Run() {
  Prepare();
  if (request_broken_) {
    failure_status_ = 400;
    outcome_.reason = "http/body";
    co_await ReplyFailure();
    co_return std::move(outcome_);
  }
  const int most_unsent = std::max(plan_.unsent_attempts, static_cast<int>(plan_.retry.attempts) + 1);
  int unsent = 0;
  for (;;) {
    if (OutOfTime()) {
      if (!client_gone_) co_await ReplyFailure();
      break;
    }
    ++outcome_.attempts;
    const Step step = co_await Attempt();
    if (step == Step::kDone) break;
    if (step == Step::kRetryAtOnce) continue;
    const bool sent = step == Step::kRetrySent;
    if (sent) --retries_left_;
    const bool enough = !sent && (++unsent >= most_unsent || outcome_.host == nullptr);
    if (enough || !MayRetry(sent)) {
      co_await ReplyFailure();
      break;
    }
    // Another endpoint at once; the same again only after a pause that grows and is spread.
    if (plan_.picker->HasUntried(tried_)) continue;
    const auto longest = kFirstPause * (1 << std::min(unsent, 5));
    const std::chrono::nanoseconds pause =
        longest / 2 + std::chrono::microseconds(random_() % (longest / 2 / std::chrono::microseconds(1)));
    const std::chrono::nanoseconds left = plan_.deadline - loop_.now();
    co_await loop_.Sleep(std::min(pause, left));
  }
  co_return std::move(outcome_);
}

// Whether another attempt would come too late; if so, the failure says why.
bool Exchange::OutOfTime() {
  if (client_gone_ || loop_.now() >= client_deadline_) {
    client_gone_ = true;
    outcome_.reason = "downstream/closed";
    return true;
  }
  if (loop_.now() < plan_.deadline) return false;
  failure_status_ = 504;
  failure_unsent_ = false;
  outcome_.reason = "timeout/request";
  return true;
}

// Notes a limit that was met; true when it is to be obeyed.
bool Exchange::Over(const protect::Held& held, const char* limit) {
  if (!held.over()) return false;
  outcome_.limit = limit;
  outcome_.limit_shadow = !held.refused();
  return held.refused();
}

// What was never sent loads no app, and needs no budget.
bool Exchange::MayRetry(bool sent) {
  if (plan_.usage == nullptr) return true;
  if (!retrying_.holds()) {
    retrying_ = protect::Held(plan_.usage->retries, plan_.limits.retries, plan_.limits.mode);
    if (Over(retrying_, "retries")) return false;
  }
  if (!sent || plan_.usage->budget.Withdraw(plan_.retry.budget, loop_.now())) return true;
  outcome_.limit = "retry-budget";
  outcome_.limit_shadow = false;
  return false;
}

Exchange::Step Exchange::Failed(int status, std::string reason, bool unsent) {
  failure_status_ = status;
  failure_unsent_ = unsent;
  outcome_.reason = std::move(reason);
  DropConnection();
  return unsent ? Step::kRetryUnsent : Step::kRetrySent;
}

void Exchange::DropConnection() {
  sending_.reset();
  connection_.reset();
}

io::Task<void> Exchange::ReplyFailure() {
  http::LocalReply reply;
  reply.status = failure_status_;
  reply.reason = outcome_.reason;
  reply.unsent = plan_.mark_unsent && failure_unsent_;
  // What is left of the request body was not read, and the next request stands behind it.
  reply.keep_alive = client_keeps_alive_ && RequestTaken() && !request_broken_;
  reply.head_only = method_ == "HEAD";
  outcome_.status = failure_status_;
  const bool written = co_await downstream_.Reply(reply);
  outcome_.reusable = written && reply.keep_alive;
}

void Exchange::ExtendBodyDeadline(io::Readiness& readiness, io::Duration idle) {
  readiness.SetDeadline(client_gone_ ? loop_.now() : std::min(plan_.deadline, loop_.now() + idle));
}

io::Task<Exchange::Step> Exchange::Attempt() {
  outcome_.host = plan_.picker->Pick(tried_);
  if (outcome_.host == nullptr && plan_.picker->full()) {
    outcome_.limit = "endpoint-requests";
    co_return Failed(503, "limit/endpoint-requests " + std::string(plan_.limits_source), true);
  }
  if (outcome_.host == nullptr) co_return Failed(503, std::string(plan_.no_endpoint_reason), true);
  upstream::Host& host = *outcome_.host;
  tried_.Add(&host);
  upstream::InFlight in_flight(outcome_.host, loop_.now());

  connection_ = host.TakeIdle(plan_.kind);
  if (connection_ == nullptr) {
    const io::Duration left = plan_.deadline == io::kNever
                                  ? plan_.connect_timeout
                                  : std::min(plan_.connect_timeout, plan_.deadline - loop_.now());
    protect::Held pending;
    if (plan_.usage != nullptr)
      pending = protect::Held(plan_.usage->pending, plan_.limits.pending, plan_.limits.mode);
    if (Over(pending, "pending")) {
      Failed(503, "limit/pending " + std::string(plan_.limits_source), true);
      co_await ReplyFailure();
      co_return Step::kDone;
    }
    auto connected = co_await connector_.Connect(outcome_.host, plan_.kind, left);
    pending = {};
    if (!connected && connected.failure().ours) {
      // Another attempt, wherever it goes, would only add to the shortage.
      Failed(503, connected.failure().reason, true);
      co_await ReplyFailure();
      co_return Step::kDone;
    }
    if (!connected) {
      Report(protect::Result::kLost);
      co_return Failed(503, connected.failure().reason, true);
    }
    host.standing().Reached();
    connection_ = std::move(*connected);
  }

  io::Stream& stream = *connection_->stream;
  try_deadline_ = plan_.deadline;
  if (plan_.retry.per_try_timeout)
    try_deadline_ = std::min(plan_.deadline, loop_.now() + *plan_.retry.per_try_timeout);
  stream.readiness().SetDeadline(TryDeadline());
  const std::string_view bytes = request_.view();
  const io::IoResult sent = co_await stream.Write(bytes);
  if (sent.error == io::Error::kTimedOut) co_return co_await FailResponse(sent.error);
  sending_done_ = request_body_.done();
  if (sending_done_) co_return co_await AwaitResponse();

  // The rest of the body goes up while the response may already come down.
  if (!replayable_) {
    request_.Clear();
    request_.Release();
  }
  sending_.emplace(SendRequestBody());
  sending_->Start();
  const Step step = co_await AwaitResponse();
  sending_.reset();
  co_return step;
}

io::Task<void> Exchange::SendRequestBody() {
  io::Stream& up = *connection_->stream;
  io::Stream& down = *downstream_.stream;
  while (!request_body_.done()) {
    if (downstream_.in.empty()) {
      ExtendBodyDeadline(down.readiness());
      const io::IoResult got = co_await down.ReadInto(downstream_.in, io::Buffer::kBulkBytes);
      if (got.error == io::Error::kTimedOut) {
        const bool out_of_time = loop_.now() >= plan_.deadline;
        co_return BreakRequest(out_of_time ? 504 : 408,
                               out_of_time ? "timeout/request" : "timeout/request-body");
      }
      if (!got.ok()) co_return BreakRequest(0, "downstream/request-body");
    }
    const http::BodyDecoder::Step piece = request_body_.Take(downstream_.in.view());
    if (piece.bad) co_return BreakRequest(400, "http/body");
    outcome_.request_bytes += piece.bytes;
    std::string_view payload = piece.payload;
    const bool kept = Keep(payload);
    if (kept) downstream_.in.Consume(piece.bytes);
    const io::IoResult written = co_await up.Write(payload);
    if (!written.ok()) co_return;  // the upstream may have answered early; whoever reads it finds out
    if (!kept) downstream_.in.Consume(piece.bytes);
  }
  sending_done_ = true;
  SendCopies();
}

// Once all of the request is there.
void Exchange::SendCopies() {
  if (plan_.mirrors == nullptr || !replayable_ || request_broken_ || copied_) return;
  copied_ = true;
  plan_.mirrors->Send(request_.view(), plan_.kind);
}

// Keeps a piece of the body for another attempt, as long as all of the request is small enough: `piece` is
// where it was kept then. Not once the response has begun.
bool Exchange::Keep(std::string_view& piece) {
  if (!replayable_) return false;
  replayable_ = !relaying_ && request_.size() + piece.size() <= kMaxReplayBytes;
  if (!replayable_) {
    request_.Clear();
    request_.Release();
    return false;
  }
  request_.Append(piece);
  piece = request_.view().substr(request_.size() - piece.size());
  return true;
}

// The upstream must not take what it has for the whole request. `status` 0: nobody is there for an answer.
void Exchange::BreakRequest(int status, const char* reason) {
  request_broken_ = true;
  failure_status_ = status;
  outcome_.reason = reason;
  connection_->stream->readiness().ResetOnClose();
  connection_->stream->readiness().Expire();
}

io::Task<Exchange::Step> Exchange::AwaitResponse() {
  for (;;) {
    upstream::Connection& up = *connection_;
    if (!up.in.empty()) {
      const http::ParseResult parsed = http::ParseResponseHead(up.in.view(), method_, up.head);
      if (parsed.status == http::ParseStatus::kBad) {
        Report(protect::Result::kServerError);
        Failed(502, parsed.why, false);
        co_await ReplyFailure();
        co_return Step::kDone;
      }
      if (parsed.status == http::ParseStatus::kDone) {
        response_head_bytes_ = parsed.bytes;
        const bool unasked = up.head.status == 101 && !(upgrade_ && sending_done_);
        if (unasked || (up.head.interim() && ++interims_ > kMaxInterims)) {
          Failed(502, unasked ? "upstream/unasked-upgrade" : "upstream/too-many-interims", false);
          co_await ReplyFailure();
          co_return Step::kDone;
        }
        if (!up.head.interim()) co_return co_await RelayResponse();
        if (!co_await RelayInterim()) co_return Step::kDone;
        continue;
      }
    }
    const io::IoResult got =
        co_await up.stream->ReadInto(up.in, http::kMaxHeadBytes + io::Buffer::kBlockBytes);
    if (!got.ok()) co_return co_await FailResponse(got.error);
  }
}

// The upstream connection ended, or time did, before the response began.
io::Task<Exchange::Step> Exchange::FailResponse(io::Error error) {
  if (request_broken_) {
    DropConnection();
    if (failure_status_ != 0) co_await ReplyFailure();
    co_return Step::kDone;
  }
  if (error == io::Error::kUnprocessed && replayable_) co_return Failed(503, "upstream/unprocessed", true);
  const bool late = error == io::Error::kTimedOut;
  if (late && loop_.now() >= client_deadline_) {
    connection_->stream->readiness().ResetOnClose();
    DropConnection();
    outcome_.reason = "downstream/closed";
    co_return Step::kDone;
  }
  // A connection that died under its first use after a rest took nothing with it that an idempotent request
  // would mind.
  const bool out_of_time = late && loop_.now() >= plan_.deadline;
  const bool died = connection_->reused && (!connection_->shared || error == io::Error::kLost);
  const bool stale = died && connection_->in.empty() && !late && !repeated_stale_;
  const bool repeat = !out_of_time && (MayRepeatSent() || (stale && replayable_ && idempotent_));
  Report(late ? protect::Result::kTimeout : protect::Result::kLost);
  std::string reason = out_of_time ? "timeout/request" : "timeout/try";
  if (!late) reason = "upstream/" + std::string(io::Name(error));
  const Step step = Failed(late ? 504 : 502, std::move(reason), false);
  // Nobody is to blame for a connection that has been idle for too long.
  repeated_stale_ |= stale;
  if (repeat) co_return stale ? Step::kRetryAtOnce : step;
  co_await ReplyFailure();
  co_return Step::kDone;
}

}  // namespace tulle::sidecar::exchange
