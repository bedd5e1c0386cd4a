#include "lib/http2/callbacks.h"

#include <new>

#include "lib/http2/memory.h"
#include "lib/http2/session.h"

namespace tulle::http2 {
namespace {

Stream* Find(nghttp2_session* h2, int32_t id) {
  return static_cast<Stream*>(nghttp2_session_get_stream_user_data(h2, id));
}

std::string_view Text(const uint8_t* bytes, size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

// Error codes by which a peer learns that it broke the rules, as against those by which an exchange ends.
bool IsReproach(uint32_t code) {
  return code != NGHTTP2_NO_ERROR && code != NGHTTP2_CANCEL && code != NGHTTP2_INTERNAL_ERROR;
}

}  // namespace

// What nghttp2 calls. None of these ends the session, nor calls back into a receiving or sending function.
struct Callbacks {
  static Session& Of(void* user_data) { return *static_cast<Session*>(user_data); }

  static int OnBeginHeaders(nghttp2_session* h2, const nghttp2_frame* frame, void* user_data) {
    Session& session = Of(user_data);
    Stream* stream = Find(h2, frame->hd.stream_id);
    if (stream == nullptr && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
      stream = session.NewStream(frame->hd.stream_id);
      nghttp2_session_set_stream_user_data(h2, frame->hd.stream_id, stream);
      // Streams take turns, whatever the client would like: one that never ends must not be all there is.
      const nghttp2_extpri taking_turns{.urgency = NGHTTP2_EXTPRI_DEFAULT_URGENCY, .inc = 1};
      session.Check(nghttp2_session_change_extpri_stream_priority(h2, frame->hd.stream_id, &taking_turns, 1));
      session.guard_.OnRequest();
    }
    session.block_.Start(stream != nullptr && stream->final_head());
    return 0;
  }

  static int OnHeader(nghttp2_session*, const nghttp2_frame*, const uint8_t* name, size_t name_bytes,
                      const uint8_t* value, size_t value_bytes, uint8_t, void* user_data) {
    Session& session = Of(user_data);
    session.block_.Add(Text(name, name_bytes), Text(value, value_bytes));
    if (session.block_.excessive()) session.Condemn("http2/header-flood");
    return 0;
  }

  // nghttp2 would drop the header and go on; the reader must not see another message than was sent.
  static int OnInvalidHeader(nghttp2_session*, const nghttp2_frame*, const uint8_t*, size_t, const uint8_t*,
                             size_t, uint8_t, void*) {
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }

  static int OnFrame(nghttp2_session* h2, const nghttp2_frame* frame, void* user_data) {
    Session& session = Of(user_data);
    const bool ended = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    switch (frame->hd.type) {
      case NGHTTP2_HEADERS:
        if (Stream* stream = Find(h2, frame->hd.stream_id)) OnHeaders(session, *stream, ended);
        session.block_.Drop();
        break;
      case NGHTTP2_DATA:
        if (Stream* stream = Find(h2, frame->hd.stream_id); stream != nullptr && ended) stream->TakeEnd();
        break;
      case NGHTTP2_SETTINGS:
        if (!(frame->hd.flags & NGHTTP2_FLAG_ACK)) session.OnSettings();
        break;
      case NGHTTP2_PING:
        if (frame->hd.flags & NGHTTP2_FLAG_ACK) session.OnPingAnswer();
        break;
      default:
        break;
    }
    return 0;
  }

  static void OnHeaders(Session& session, Stream& stream, bool ended) {
    if (!stream.final_head()) {
      session.OnHead(stream, ended);
    } else if (session.block_.why() != nullptr) {
      session.Reset(stream, NGHTTP2_PROTOCOL_ERROR);
      return;
    } else {
      session.OnTrailers(stream);
    }
    if (ended) stream.TakeEnd();
  }

  static int OnData(nghttp2_session* h2, uint8_t, int32_t id, const uint8_t* data, size_t size,
                    void* user_data) {
    Stream* stream = Find(h2, id);
    if (stream != nullptr && !stream->deaf()) {
      stream->TakeContent(Text(data, size));
    } else if (const int failed = nghttp2_session_consume_stream(h2, id, size); nghttp2_is_fatal(failed)) {
      return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    Of(user_data).Received(size);
    return 0;
  }

  static int OnStreamClose(nghttp2_session* h2, int32_t id, uint32_t code, void* user_data) {
    Stream* stream = Find(h2, id);
    if (stream == nullptr) return 0;
    Session& session = Of(user_data);
    nghttp2_session_set_stream_user_data(h2, id, nullptr);
    session.Forget(*stream);
    const bool unprocessed =
        session.client_ && !stream->final_head() && (code == NGHTTP2_REFUSED_STREAM || stream->unsent());
    stream->Close(unprocessed ? io::Error::kUnprocessed : io::Error::kReset);
    return 0;
  }

  static int OnFrameSent(nghttp2_session* h2, const nghttp2_frame* frame, void* user_data) {
    Session& session = Of(user_data);
    if (frame->hd.type == NGHTTP2_RST_STREAM && IsReproach(frame->rst_stream.error_code)) {
      if (const char* why = session.guard_.OnOwnReset(session.loop_.now())) session.Condemn(why);
      return 0;
    }
    if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR) session.Blame();
    const bool head = frame->hd.type == NGHTTP2_HEADERS;
    if (!head && frame->hd.type != NGHTTP2_DATA) return 0;
    Stream* stream = Find(h2, frame->hd.stream_id);
    if (stream == nullptr) return 0;
    if (head) stream->SentHead();
    if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) stream->SentEnd();
    return 0;
  }

  // Of a request that could not be sent nghttp2 reports the end as well; any other head that is lost leaves a
  // stream that would wait for ever.
  static int OnFrameNotSent(nghttp2_session* h2, const nghttp2_frame* frame, int, void* user_data) {
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat == NGHTTP2_HCAT_REQUEST) return 0;
    if (Stream* stream = Find(h2, frame->hd.stream_id)) {
      Of(user_data).Reset(*stream, NGHTTP2_INTERNAL_ERROR);
    }
    return 0;
  }

  // nghttp2 packs one DATA frame after another without asking in between whether there is room, other than
  // here.
  static ssize_t DataBytes(nghttp2_session*, uint8_t, int32_t, int32_t connection_window,
                           int32_t stream_window, uint32_t max_frame, void* user_data) {
    const size_t room = kGatherBytes - std::min(kGatherBytes - 1, Of(user_data).out_.size());
    const int64_t most = std::min({int64_t{connection_window}, int64_t{stream_window}, int64_t{max_frame}});
    return std::min(static_cast<int64_t>(room), most);
  }

  static ssize_t OfferData(nghttp2_session* h2, int32_t id, uint8_t*, size_t most, uint32_t* flags,
                           nghttp2_data_source* source, void* user_data) {
    auto& stream = *static_cast<Stream*>(source->ptr);
    Session& session = Of(user_data);
    if (session.out_.size() + kLeastDataBytes > kGatherBytes) {
      session.paused_ = true;
      return NGHTTP2_ERR_PAUSE;
    }
    const Stream::Pull pull = stream.Offer(most);
    if (pull.bytes == 0 && !pull.last) return NGHTTP2_ERR_DEFERRED;
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (!pull.last) return static_cast<ssize_t>(pull.bytes);
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    FieldList& fields = session.fields_;
    MakeTrailerFields(stream.trailers(), fields);
    if (!fields.list.empty()) {
      *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
      if (nghttp2_submit_trailer(h2, id, fields.list.data(), fields.list.size()) != 0) {
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
      }
    }
    return static_cast<ssize_t>(pull.bytes);
  }

  static int SendData(nghttp2_session*, nghttp2_frame*, const uint8_t* head, size_t bytes,
                      nghttp2_data_source* source, void* user_data) {
    Session& session = Of(user_data);
    auto& stream = *static_cast<Stream*>(source->ptr);
    session.out_.Append(Text(head, 9));
    session.out_.Append(stream.content(bytes));
    stream.Sent(bytes);
    session.guard_.OnDataSent(bytes);
    return 0;
  }

  static nghttp2_session_callbacks* Make() {
    nghttp2_session_callbacks* made = nullptr;
    if (nghttp2_session_callbacks_new(&made) != 0) throw std::bad_alloc();
    nghttp2_session_callbacks_set_on_begin_headers_callback(made, OnBeginHeaders);
    nghttp2_session_callbacks_set_on_header_callback(made, OnHeader);
    nghttp2_session_callbacks_set_on_invalid_header_callback(made, OnInvalidHeader);
    nghttp2_session_callbacks_set_on_frame_recv_callback(made, OnFrame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, OnData);
    nghttp2_session_callbacks_set_on_stream_close_callback(made, OnStreamClose);
    nghttp2_session_callbacks_set_on_frame_send_callback(made, OnFrameSent);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(made, OnFrameNotSent);
    nghttp2_session_callbacks_set_data_source_read_length_callback(made, DataBytes);
    nghttp2_session_callbacks_set_send_data_callback(made, SendData);
    return made;
  }

  static nghttp2_option* MakeOptions() {
    nghttp2_option* made = nullptr;
    if (nghttp2_option_new(&made) != 0) throw std::bad_alloc();
    nghttp2_option_set_no_auto_window_update(made, 1);
    nghttp2_option_set_no_closed_streams(made, 1);
    nghttp2_option_set_max_deflate_dynamic_table_size(made, kHpackTableBytes);
    nghttp2_option_set_max_reserved_remote_streams(made, 0);
    nghttp2_option_set_max_send_header_block_length(made, 4 * kMaxHeaderListBytes);
    nghttp2_option_set_max_outbound_ack(made, kMaxQueuedAcks);
    nghttp2_option_set_max_settings(made, kMaxSettings);
    // The guard is to be the first to object, since it can say why.
    nghttp2_option_set_max_continuations(made, kMaxContinuations + 1);
    nghttp2_option_set_stream_reset_rate_limit(made, 1 << 20, 1 << 20);
    return made;
  }
};

nghttp2_data_provider Session::ContentOf(Stream& stream) {
  nghttp2_data_provider provider;
  provider.source.ptr = &stream;
  provider.read_callback = Callbacks::OfferData;
  return provider;
}

nghttp2_session* MakeNghttp2(Session& session, bool client) {
  static nghttp2_session_callbacks* const callbacks = Callbacks::Make();
  static nghttp2_option* const options = Callbacks::MakeOptions();
  nghttp2_session* made = nullptr;
  const auto make = client ? nghttp2_session_client_new3 : nghttp2_session_server_new3;
  if (make(&made, callbacks, &session, options, PooledMemory()) != 0) throw std::bad_alloc();
  return made;
}

}  // namespace tulle::http2
