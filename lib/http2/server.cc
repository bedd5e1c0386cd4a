#include "lib/http2/server.h"

#include "lib/http/write.h"

namespace tulle::http2 {

ServerSession::ServerSession(std::unique_ptr<io::Stream> transport, io::Buffer already_read,
                             const Limits& limits)
    : Session(std::move(transport), std::move(already_read), limits, false), leave_timer_(loop(), *this) {}

ServerSession::~ServerSession() {
  while (StreamEnd* end = waiting_.PopFront()) delete end;
}

bool ServerSession::NextAwaiter::Poll() {
  while (StreamEnd* end = session_.waiting_.PopFront()) {
    std::unique_ptr<StreamEnd> taken(end);
    if (taken->broken()) continue;
    result_ = std::move(taken);
    return true;
  }
  if (session_.ended()) return true;
  session_.takers_.PushBack(*this);
  return false;
}

void ServerSession::WakeNext() {
  while (io::Waiter* taker = takers_.PopFront()) loop().Ready(*taker);
}

void ServerSession::OnEnded() {
  leave_timer_.Cancel();
  WakeNext();
}

void ServerSession::OnHead(Stream& stream, bool ended) {
  const FieldBlock& fields = block();
  if (fields.why() != nullptr) return Answer(stream, fields.reply(), fields.why());
  if (fields.method() == "CONNECT") return Answer(stream, 501, "http/connect");
  stream.SetHeadRequest(fields.method() == "HEAD");
  waiting_.PushBack(*stream.MakeEnd(loop()).release());
  stream.TakeHead(fields.AppendRequest(stream.incoming().BeginHead(), ended), false);
  WakeNext();
}

void ServerSession::Answer(Stream& stream, int status, const char* why) {
  http::ResponseHead refusal;
  refusal.status = status;
  FieldList& out = fields();
  MakeResponseFields(refusal, out);
  out.Add(http::kReasonHeader, why);
  stream.TakeHead(FieldBlock::Framing::kNone, false);
  stream.Replied();
  Check(nghttp2_submit_response(h2(), stream.id(), out.list.data(), out.list.size(), nullptr));
  ScheduleFlush();
}

http::ParseResult ServerSession::ParseHead(Stream& stream, std::string_view text) {
  http::ParseResult parsed = http::ParseResponseHead(text, stream.head_request() ? "HEAD" : "GET", head_);
  // There are no upgrades here.
  if (parsed.status == http::ParseStatus::kDone && head_.status == 101)
    parsed.status = http::ParseStatus::kBad;
  return parsed;
}

bool ServerSession::Submit(Stream& stream, bool ended) {
  FieldList& out = fields();
  MakeResponseFields(head_, out);
  const nghttp2_nv* list = out.list.data();
  int outcome = 0;
  if (head_.interim()) {
    outcome =
        nghttp2_submit_headers(h2(), NGHTTP2_FLAG_NONE, stream.id(), nullptr, list, out.list.size(), nullptr);
  } else {
    const nghttp2_data_provider content = ContentOf(stream);
    outcome = nghttp2_submit_response(h2(), stream.id(), list, out.list.size(), ended ? nullptr : &content);
  }
  ScheduleFlush();
  return outcome == 0;
}

void ServerSession::Leave() {
  if (leaving_ != Leaving::kNo || ended()) return;
  leaving_ = Leaving::kAnnounced;
  Check(nghttp2_submit_shutdown_notice(h2()));
  Check(nghttp2_submit_ping(h2(), NGHTTP2_FLAG_NONE, nullptr));
  leave_timer_.Schedule(loop().now() + kLeaveTime);
  ScheduleFlush();
}

// Requests that crossed the announcement have arrived by now.
void ServerSession::SayLast() {
  if (leaving_ != Leaving::kAnnounced || ended()) return;
  leaving_ = Leaving::kSaid;
  leave_timer_.Cancel();
  const int32_t last = nghttp2_session_get_last_proc_stream_id(h2());
  Check(nghttp2_submit_goaway(h2(), NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, nullptr, 0));
  ScheduleFlush();
}

}  // namespace tulle::http2
