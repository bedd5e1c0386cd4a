#include "lib/mux/session.h"

#include <algorithm>

#include "lib/mux/limits.h"
#include "lib/mux/stream.h"

namespace tulle::mux {

Session::Session(std::unique_ptr<io::Stream> transport, Room room)
    : transport_(std::move(transport)), side_(Side::kClient), room_(std::move(room)), flusher_(*this) {}

Session::Session(std::unique_ptr<io::Stream> transport, OnStream on_stream, std::function<void()> on_refused)
    : transport_(std::move(transport)),
      side_(Side::kServer),
      on_stream_(std::move(on_stream)),
      on_refused_(std::move(on_refused)),
      flusher_(*this) {}

Session::~Session() { End(); }

io::Task<void> Session::Run() {
  size_t taken = 0;
  for (;;) {
    const io::IoResult got = co_await transport_->ReadInto(in_, io::Buffer::kBulkBytes);
    if (!got.ok() || !TakeFrames()) break;
    taken += got.bytes;
    if (taken < kBytesPerTurn) continue;
    taken = 0;
    co_await loop().Yield();
  }
  End();
}

bool Session::TakeFrames() {
  FrameHead head;
  std::string_view payload;
  for (;;) {
    const ReadStatus status = ReadFrame(in_.view(), head, payload);
    if (status == ReadStatus::kNeedMore) return true;
    if (status == ReadStatus::kBad) return Bad("mux/frame");
    if (!Take(head, payload)) return false;
    in_.Consume(kFrameHeadBytes + head.bytes);
  }
}

bool Session::Bad(const char* why) {
  why_ = why;
  return false;
}

bool Session::Take(const FrameHead& head, std::string_view payload) {
  if (!CountFrame(head.type)) return Bad("mux/idle-frames");
  if (out_.size() > kMaxOutBytes) return Bad("mux/backlog");
  if (head.type == FrameType::kLeave) {
    MarkLeaving();
    return true;
  }
  if (head.type == FrameType::kOpen) return TakeOpen(head.stream, payload);
  if (head.stream > last_id_) return Bad("mux/unknown-stream");
  const auto found = streams_.find(head.stream);
  if (found == streams_.end()) return true;  // we reset it; the peer did not know yet
  Stream& stream = *found->second;
  switch (head.type) {
    case FrameType::kData:
      return stream.Received(payload) || Bad("mux/window");
    case FrameType::kCredit:
      return stream.Credited(ReadU32(payload)) || Bad("mux/credit");
    case FrameType::kEnd:
      stream.PeerEnded();
      return true;
    default: {
      const bool unprocessed = payload[0] == static_cast<char>(ResetReason::kUnprocessed);
      Forget(head.stream);
      stream.Broken(unprocessed ? io::Error::kUnprocessed : io::Error::kReset);
      return true;
    }
  }
}

// Frames that carry nothing are cheap for who sends them.
bool Session::CountFrame(FrameType type) {
  const io::TimePoint now = loop().now();
  if (type == FrameType::kData || now - idle_since_ > std::chrono::seconds(1)) {
    idle_frames_ = 0;
    idle_since_ = now;
  }
  return type == FrameType::kData || ++idle_frames_ <= kMaxIdleFrames;
}

bool Session::TakeOpen(uint32_t id, std::string_view payload) {
  if (side_ == Side::kClient || id != last_id_ + 1) return Bad("mux/open");
  const auto kind = static_cast<Kind>(payload[0]);
  if (kind != Kind::kHttp1 && kind != Kind::kHttp2 && kind != Kind::kTcp) return Bad("mux/kind");
  last_id_ = id;
  if (streams_.size() >= kMaxStreams) {
    SendReset(id, ResetReason::kUnprocessed);
    if (on_refused_) on_refused_();
    return true;
  }
  auto stream = std::make_unique<Stream>(*this, loop(), id);
  streams_.emplace(id, stream.get());
  on_stream_(std::move(stream), kind);
  return true;
}

bool Session::full() const { return !ended_ && !leaving_ && streams_.size() >= kMaxStreams; }

size_t Session::room() const {
  if (ended_ || leaving_ || full()) return 0;
  return std::min<size_t>(kMaxStreams - streams_.size(), UINT32_MAX - last_id_);
}

std::unique_ptr<io::Stream> Session::Open(Kind kind) {
  if (side_ != Side::kClient || !usable()) return nullptr;
  auto stream = std::make_unique<Stream>(*this, loop(), ++last_id_);
  streams_.emplace(last_id_, stream.get());
  AppendFrameHead(out_, FrameType::kOpen, 1, last_id_);
  const char byte = static_cast<char>(kind);
  out_.Append({&byte, 1});
  ScheduleFlush();
  return stream;
}

void Session::Leave() {
  if (leaving_ || ended_) return;
  MarkLeaving();
  Send(FrameType::kLeave, 0);
}

// Streams that their opener keeps for later have no later.
void Session::MarkLeaving() {
  leaving_ = true;
  if (side_ == Side::kServer) return;
  for (const auto& [id, stream] : streams_) stream->Retire();
  if (room_) room_(1);
}

void Session::Close() { transport_->readiness().Expire(); }

void Session::Send(FrameType type, uint32_t stream) {
  AppendFrameHead(out_, type, 0, stream);
  ScheduleFlush();
}

void Session::SendReset(uint32_t stream, ResetReason reason) {
  AppendFrameHead(out_, FrameType::kReset, 1, stream);
  const char byte = static_cast<char>(reason);
  out_.Append({&byte, 1});
  ScheduleFlush();
}

void Session::SendCredit(uint32_t stream, uint32_t bytes) {
  AppendFrameHead(out_, FrameType::kCredit, 4, stream);
  AppendU32(out_, bytes);
  ScheduleFlush();
}

void Session::SendData(uint32_t stream, std::string_view payload) {
  idle_frames_ = 0;  // the peer has reason to give credit for it
  AppendFrameHead(out_, FrameType::kData, static_cast<uint32_t>(payload.size()), stream);
  out_.Append(payload);
  ScheduleFlush();
  if (out_.size() >= kFlushBytes) Flush();
}

bool Session::backlogged() const { return out_.size() >= kMaxBacklog; }

void Session::Forget(uint32_t stream) {
  streams_.erase(stream);
  if (room_ && usable()) room_(1);
}

void Session::Flush() {
  if (ended_) return;
  while (!out_.empty()) {
    const std::string_view bytes = out_.view();
    const io::IoResult taken = transport_->TryWrite(std::span<const char>(bytes));
    if (!taken.ok()) break;  // the reader of the connection finds out if it is over
    out_.Consume(taken.bytes);
  }
  const io::IoResult flushed = transport_->TryFlush();
  if (!out_.empty() || flushed.error == io::Error::kAgain) transport_->readiness().AwaitWritable(flusher_);
  out_.Release();
  if (!starved_ || backlogged()) return;
  starved_ = false;
  for (const auto& [id, stream] : streams_) stream->WakeWriters();
}

// Streams are told last, when the session knows that it is over: whoever waits on one may open another.
void Session::End() {
  if (!ended_) Flush();
  ended_ = true;
  auto streams = std::move(streams_);
  streams_.clear();
  for (const auto& [id, stream] : streams) stream->Broken(io::Error::kLost);
}

}  // namespace tulle::mux
