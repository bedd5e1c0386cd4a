// The way back: how the response of an exchange reaches its client.
#include "sidecar/exchange/exchange.h"
#include "sidecar/exchange/limits.h"
#include "sidecar/exchange/tunnel.h"

namespace tulle::sidecar::exchange {

io::Task<bool> Exchange::RelayInterim() {
  upstream::Connection& up = *connection_;
  if (!client_is_1_0_) {
    downstream_.out.Clear();
    http::AppendResponseHead(downstream_.out, up.head, {});
    const std::string_view bytes = downstream_.out.view();
    const io::IoResult written = co_await downstream_.stream->Write(bytes);
    if (!written.ok()) {
      outcome_.reason = "downstream/" + std::string(io::Name(written.error));
      co_return false;
    }
  }
  up.in.Consume(response_head_bytes_);
  co_return true;
}

// The peer sidecar answers for its app, which it could not reach, or which broke off before it answered. The
// first is safe to repeat, the second under the same rule as a connection of our own that breaks. Apps cannot
// say such a thing: their x-tulle headers end at their sidecar.
std::optional<Exchange::Step> Exchange::AppFailed(const http::Header& reason) {
  const http::ResponseHead& response = connection_->head;
  const bool unsent = response.Find(http::kUnsentHeader) != nullptr && replayable_;
  const bool sent = reason.value.starts_with("upstream/") && MayRepeatSent();
  if (!unsent && !sent) return std::nullopt;
  Report(protect::Result::kLost);
  return Failed(response.status, std::string(reason.value), unsent);
}

// A peer sidecar that answers for itself, because it refuses or is asked too much, says nothing of its app.
void Exchange::ReportResponse(const http::ResponseHead& response, const http::Header* reason) {
  if (reason != nullptr && !reason->value.starts_with("upstream/")) return;
  const http::Header* grpc = downstream_.grpc ? response.Find("grpc-status") : nullptr;
  Report(grpc != nullptr ? protect::ResultOfGrpc(grpc->value) : protect::ResultOf(response.status));
}

io::Task<Exchange::Step> Exchange::RelayResponse() {
  upstream::Connection& up = *connection_;
  from_sidecar_ = plan_.keep_mesh_headers && !outcome_.host->target().identity.empty();
  const http::ResponseHead& response = up.head;
  const http::Header* reason = from_sidecar_ ? response.Find(http::kReasonHeader) : nullptr;
  if (reason != nullptr) {
    if (const auto step = AppFailed(*reason)) co_return *step;
  }
  ReportResponse(response, reason);
  if (reason != nullptr) {
    if (downstream_.grpc) {
      Failed(response.status, std::string(reason->value), false);
      co_await ReplyFailure();
      co_return Step::kDone;
    }
    outcome_.reason = reason->value;
  }
  relaying_ = true;
  outcome_.status = response.status;
  response_body_ = http::BodyDecoder(response);
  dechunk_ = client_is_1_0_ && response.framing == http::Framing::kChunked;
  const bool upgraded = response.status == 101;
  const bool up_reusable = response.keep_alive && !upgraded;
  http::ResponseForm form;
  form.client_is_1_0 = client_is_1_0_;
  form.dechunk = dechunk_;
  form.keep_mesh_headers = from_sidecar_;
  form.edits = plan_.response_edits;
  form.added = plan_.response_fields;
  form.keep_alive = client_keeps_alive_ && sending_done_ && !response_body_.until_close() && !dechunk_;

  downstream_.out.Clear();
  http::AppendResponseHead(downstream_.out, response, form);
  up.in.Consume(response_head_bytes_);
  if (upgraded) {
    co_await RelayUpgrade();
    co_return Step::kDone;
  }
  if (!co_await RelayBody()) {
    DropConnection();
    downstream_.stream->readiness().ResetOnClose();
    co_return Step::kDone;
  }
  outcome_.reusable = form.keep_alive && sending_done_;
  // Bytes after the end of a response belong to nobody: such a connection is not used again.
  if (up_reusable && sending_done_ && up.in.empty()) {
    outcome_.host->PutIdle(std::move(connection_), loop_.now());
  } else {
    DropConnection();
  }
  co_return Step::kDone;
}

// Sends the head that waits in downstream_.out together with what came of the body, then piece by piece.
io::Task<bool> Exchange::RelayBody() {
  upstream::Connection& up = *connection_;
  io::Buffer& out = downstream_.out;
  for (;;) {
    // The first piece goes with the head; later ones leave from where they were read.
    std::string_view bytes = out.view();
    size_t taken = 0;
    if (!bytes.empty() || dechunk_) {
      if (!GatherBody(out)) co_return false;
      bytes = out.view();
    } else {
      const http::BodyDecoder::Step piece = response_body_.Take(up.in.view());
      if (piece.bad) co_return BadBody();
      bytes = piece.payload;
      taken = piece.bytes;
    }
    ExtendBodyDeadline(downstream_.stream->readiness(), plan_.reader_patience);
    const io::IoResult written = co_await downstream_.stream->Write(bytes);
    if (!written.ok()) {
      outcome_.reason = "downstream/" + std::string(io::Name(written.error));
      co_return false;
    }
    out.Clear();
    up.in.Consume(taken);
    outcome_.response_bytes += taken;
    if (response_body_.done()) break;
    if (request_broken_) co_return false;
    ExtendBodyDeadline(up.stream->readiness());
    const io::IoResult got = co_await up.stream->ReadInto(up.in, io::Buffer::kBulkBytes);
    if (got.error == io::Error::kEof && response_body_.until_close()) break;
    if (request_broken_) co_return false;
    if (!got.ok()) {
      const bool out_of_time = got.error == io::Error::kTimedOut && loop_.now() >= plan_.deadline;
      outcome_.reason = out_of_time ? "timeout/request" : "upstream/" + std::string(io::Name(got.error));
      if (!out_of_time)
        Report(got.error == io::Error::kTimedOut ? protect::Result::kTimeout : protect::Result::kLost);
      co_return false;
    }
  }
  out.Release();
  co_return true;
}

bool Exchange::BadBody() {
  outcome_.reason = "upstream/body";
  return false;
}

// What has come of the body, behind what is in `out`; without chunks for a client that knows none. False when
// it breaks the rules.
bool Exchange::GatherBody(io::Buffer& out) {
  io::Buffer& in = connection_->in;
  do {
    const http::BodyDecoder::Step piece =
        dechunk_ ? response_body_.Next(in.view()) : response_body_.Take(in.view());
    if (piece.bad) return BadBody();
    outcome_.response_bytes += piece.bytes;
    out.Append(piece.payload);
    in.Consume(piece.bytes);
  } while (dechunk_ && !response_body_.done() && !in.empty());
  return true;
}

io::Task<void> Exchange::RelayUpgrade() {
  const std::string_view bytes = downstream_.out.view();
  const io::IoResult written = co_await downstream_.stream->Write(bytes);
  if (!written.ok()) co_return;
  Side down{*downstream_.stream, downstream_.in};
  Side up{*connection_->stream, connection_->in};
  hang_up_.Unlink();
  const TunnelResult carried = co_await Tunnel(down, up, nullptr);
  outcome_.request_bytes += carried.bytes_up;
  outcome_.response_bytes += carried.bytes_down;
  if (carried.error != io::Error::kNone) outcome_.reason = "tunnel/" + std::string(io::Name(carried.error));
  DropConnection();
}

}  // namespace tulle::sidecar::exchange
