#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "lib/http/body.h"
#include "lib/http2/incoming.h"
#include "lib/io/frame_pool.h"
#include "lib/io/stream.h"

namespace tulle::http2 {

class Session;
class StreamEnd;

// One HTTP/2 stream between its session, which holds it as long as nghttp2 knows it, and its StreamEnd, which
// somebody reads and writes: what was written must still go out when that is gone. Frees itself when neither
// needs it any more.
class Stream final : public io::ListHook {
 public:
  // Of a request that came in (`id` is its), or of one that is to be made (0 until its head was written).
  Stream(Session& session, bool client, int32_t id) : session_(&session), client_(client), id_(id) {}

  static void* operator new(size_t bytes) { return io::AllocateFrame(bytes); }
  static void operator delete(void* memory, size_t bytes) noexcept { io::FreeFrame(memory, bytes); }

  int32_t id() const { return id_; }
  void SetId(int32_t id) { id_ = id; }

  // --- for the session ---

  std::unique_ptr<StreamEnd> MakeEnd(io::Loop& loop);
  bool has_end() const { return end_ != nullptr; }
  Incoming& incoming() { return incoming_; }
  bool final_head() const { return final_head_; }
  bool head_request() const { return head_request_; }
  void SetHeadRequest(bool is_head) { head_request_ = is_head; }
  // A request of which nobody hears: what it brings is dropped.
  bool deaf() const { return !client_ && (end_ == nullptr || phase_ == Phase::kDone); }

  // A head was put into incoming(). False when it is one interim response too many.
  bool TakeHead(FieldBlock::Framing framing, bool interim);
  void TakeContent(std::string_view content);
  void TakeEnd();
  bool peer_ended() const { return incoming_.ended(); }

  // How much of up to `most` bytes of content can go now; 0 and not `last`: nothing yet.
  struct Pull {
    size_t bytes = 0;
    bool last = false;  // nothing comes after these but trailers()
  };
  Pull Offer(size_t most);
  // The next `bytes` of content, which stay where they are until Sent.
  std::string_view content(size_t bytes) const { return outgoing_.view().substr(0, bytes); }
  void Sent(size_t bytes);
  // Lines, with the empty one; nothing where there are none.
  std::string_view trailers() const;
  // A frame that ends our direction is on its way.
  void SentEnd();
  void SentHead() { head_sent_ = true; }

  // nghttp2 has forgotten the stream, or the session ends. `error` is what its end gets to hear if the
  // exchange was not complete.
  void Close(io::Error error);
  bool complete() const { return client_ ? peer_ended() : our_end_sent_; }
  // Nothing of the request can have reached the peer.
  bool unsent() const { return client_ && !head_sent_; }
  // A reply of the session's own was sent in place of what the end would have written.
  void Replied() { phase_ = Phase::kDone; }

  // --- for its end ---

  io::IoResult TryRead(std::span<char> into);
  io::IoResult TryWrite(std::span<const char> from);
  void ShutdownWrite();
  bool buffered() const { return incoming_.readable(); }
  void EndGone(bool reset);

 private:
  friend class Session;
  enum class Phase : uint8_t { kHead, kBody, kDone };

  ~Stream() = default;
  io::IoResult WriteHead(std::string_view text);
  io::IoResult WriteBody(std::string_view text);
  size_t TakeBody(std::string_view text);
  bool MayBeMore(std::string_view rest) const;
  io::IoResult Abort();
  void Break(io::Error error);
  void FreeIfDone();
  // Of what was received so much is not held any more.
  void NotHeld(size_t bytes);
  void ResumeSending();

  Session* session_;  // null once closed
  StreamEnd* end_ = nullptr;
  const bool client_;
  bool head_request_ = false;
  bool final_head_ = false;    // the head of the message from the peer has come
  bool head_sent_ = false;     // of our message; for a server, an interim one counts too
  bool submitted_ = false;     // our final head is nghttp2's
  bool deferred_ = false;      // nghttp2 waits for content
  bool blocked_ = false;       // the writer waits for room
  bool our_end_sent_ = false;  // END_STREAM
  bool bad_ = false;           // what was written makes no message
  Phase phase_ = Phase::kHead;
  io::Error error_ = io::Error::kNone;
  int interims_ = 0;
  int32_t id_;
  Incoming incoming_;
  size_t unread_ = 0;    // of its content
  io::Buffer held_;      // a head that is not whole
  io::Buffer outgoing_;  // content, then trailers
  size_t content_ = 0;
  http::BodyDecoder body_;
};

// The end of a stream that somebody reads and writes, as HTTP/1.1: one request and one response.
class StreamEnd final : public io::Stream, public io::Readiness, public io::ListHook {
 public:
  StreamEnd(io::Loop& loop, http2::Stream& stream) : io::Readiness(loop), stream_(stream) {}
  ~StreamEnd() override { stream_.EndGone(resets_on_close()); }

  static void* operator new(size_t bytes) { return io::AllocateFrame(bytes); }
  static void operator delete(void* memory, size_t bytes) noexcept { io::FreeFrame(memory, bytes); }

  io::IoResult TryRead(std::span<char> into) override {
    const io::IoResult got = stream_.TryRead(into);
    if (got.error == io::Error::kAgain) readable_ = false;
    return got;
  }
  io::IoResult TryWrite(std::span<const char> from) override { return stream_.TryWrite(from); }
  void ShutdownWrite() override { stream_.ShutdownWrite(); }
  bool buffered() const override { return stream_.buffered(); }
  io::Readiness& readiness() override { return *this; }

 private:
  friend class http2::Stream;
  http2::Stream& stream_;
};

}  // namespace tulle::http2
