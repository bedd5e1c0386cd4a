#include "lib/http2/client.h"

#include <algorithm>

namespace tulle::http2 {

ClientSession::ClientSession(std::unique_ptr<io::Stream> transport, const Limits& limits, Room room)
    : Session(std::move(transport), io::Buffer(), limits, true),
      max_streams_(limits.max_streams),
      room_(std::move(room)) {}

void ClientSession::OnSettings() {
  greeted_ = true;
  if (room_) room_(room());
}

void ClientSession::OnForgotten() {
  if (room_) room_(1);
}

void ClientSession::OnEnded() {
  if (room_) room_(SIZE_MAX);
}

uint32_t ClientSession::most_streams() const {
  const uint32_t allowed = nghttp2_session_get_remote_settings(h2(), NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  return std::min(max_streams_, allowed);
}

bool ClientSession::full() const { return !ended() && !leaving_ && streams() >= most_streams(); }

size_t ClientSession::room() const {
  if (!greeted_ || ended() || leaving_ || nghttp2_session_check_request_allowed(h2()) == 0) return 0;
  const size_t most = most_streams();
  return most - std::min(most, streams());
}

std::unique_ptr<io::Stream> ClientSession::Open() {
  if (!usable()) return nullptr;
  return NewStream(0)->MakeEnd(loop());
}

http::ParseResult ClientSession::ParseHead(Stream& stream, std::string_view text) {
  const http::ParseResult parsed = http::ParseRequestHead(text, head_);
  if (parsed.status == http::ParseStatus::kDone) stream.SetHeadRequest(head_.method == "HEAD");
  return parsed;
}

bool ClientSession::Submit(Stream& stream, bool ended) {
  if (nghttp2_session_check_request_allowed(h2()) == 0) {
    Forget(stream);
    stream.Close(io::Error::kUnprocessed);
    return false;
  }
  FieldList& out = fields();
  MakeRequestFields(head_, out);
  const nghttp2_data_provider content = ContentOf(stream);
  const int32_t id = nghttp2_submit_request(h2(), nullptr, out.list.data(), out.list.size(),
                                            ended ? nullptr : &content, &stream);
  if (id < 0) return false;
  stream.SetId(id);
  guard().OnRequest();
  ScheduleFlush();
  return true;
}

void ClientSession::OnHead(Stream& stream, bool ended) {
  const FieldBlock& fields = block();
  if (fields.why() != nullptr) return Reset(stream, NGHTTP2_PROTOCOL_ERROR);
  const bool interim = fields.status().starts_with('1');
  const auto framing = fields.AppendResponse(stream.incoming().BeginHead(), ended, stream.head_request());
  if (!stream.TakeHead(framing, interim)) Reset(stream, NGHTTP2_ENHANCE_YOUR_CALM);
}

void ClientSession::Leave() {
  if (leaving_ || ended()) return;
  leaving_ = true;
  Check(nghttp2_submit_goaway(h2(), NGHTTP2_FLAG_NONE, 0, NGHTTP2_NO_ERROR, nullptr, 0));
  ScheduleFlush();
}

}  // namespace tulle::http2
