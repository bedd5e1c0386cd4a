#include "lib/http2/stream.h"

#include <algorithm>

#include "lib/http2/session.h"

namespace tulle::http2 {
namespace {

// A gRPC response that has its status in its head ends with it, and must leave as one frame (its clients take
// a status in a head that anything follows for no status at all). How much of such a message is waited for.
constexpr size_t kMaxTailBytes = 256;

}  // namespace

std::unique_ptr<StreamEnd> Stream::MakeEnd(io::Loop& loop) {
  auto end = std::make_unique<StreamEnd>(loop, *this);
  end_ = end.get();
  return end;
}

std::string_view Stream::trailers() const {
  const std::string_view lines = outgoing_.view().substr(content_);
  return lines == "\r\n" ? std::string_view() : lines;
}

bool Stream::TakeHead(FieldBlock::Framing framing, bool interim) {
  incoming_.EndHead();
  incoming_.Body(framing);
  final_head_ = !interim;
  if (end_ != nullptr) end_->Readable();
  return !interim || ++interims_ <= kMaxInterims;
}

void Stream::TakeContent(std::string_view content) {
  incoming_.AddContent(content);
  unread_ += content.size();
  session_->Unread(content.size());
  if (end_ != nullptr) end_->Readable();
}

void Stream::TakeEnd() {
  incoming_.End();
  if (end_ == nullptr) return;
  end_->Readable();
  // One response is all that comes; nobody should keep this for another request.
  if (client_) end_->HungUp(false);
}

Stream::Pull Stream::Offer(size_t most) {
  const size_t bytes = std::min(most, content_);
  const bool last = phase_ == Phase::kDone && bytes == content_;
  deferred_ = bytes == 0 && !last;
  return {bytes, last};
}

void Stream::Sent(size_t bytes) {
  outgoing_.Consume(bytes);
  content_ -= bytes;
  outgoing_.Release();
  if (!blocked_) return;
  blocked_ = false;
  if (end_ != nullptr) end_->Writable();
}

void Stream::SentEnd() {
  our_end_sent_ = true;
  // Nobody is there any more to take what is left of the request.
  if (!client_ && end_ == nullptr && !peer_ended()) session_->Reset(*this, NGHTTP2_NO_ERROR);
}

void Stream::NotHeld(size_t bytes) {
  unread_ -= bytes;
  if (session_ != nullptr) session_->Read(bytes);
}

void Stream::Close(io::Error error) {
  NotHeld(unread_);
  session_ = nullptr;
  if (!complete()) {
    Break(error);
  } else if (client_ && !our_end_sent_) {
    // The server has answered and wants no more of the request.
    phase_ = Phase::kDone;
    bad_ = true;
    if (end_ != nullptr) end_->Writable();
  } else if (end_ != nullptr) {
    end_->Readable();
  }
  FreeIfDone();
}

void Stream::Break(io::Error error) {
  error_ = error;
  incoming_.Drop();
  if (end_ != nullptr) end_->HungUp(true);
}

void Stream::EndGone(bool reset) {
  end_ = nullptr;
  if (session_ != nullptr) {
    const bool said_all = phase_ == Phase::kDone && !bad_ && !(reset && !our_end_sent_);
    if (client_) {
      if (id_ == 0) {
        session_->Forget(*this);
        session_ = nullptr;
      } else if (!said_all || !peer_ended()) {
        session_->Reset(*this, NGHTTP2_CANCEL);
      }
    } else if (!said_all) {
      session_->Reset(*this, NGHTTP2_INTERNAL_ERROR);
    } else if (our_end_sent_ && !peer_ended()) {
      session_->Reset(*this, NGHTTP2_NO_ERROR);
    }
    incoming_.Drop();
    if (session_ != nullptr) NotHeld(unread_);
  }
  FreeIfDone();
}

void Stream::FreeIfDone() {
  if (session_ == nullptr && end_ == nullptr) delete this;
}

io::IoResult Stream::TryRead(std::span<char> into) {
  if (error_ != io::Error::kNone) return {0, error_};
  // The response is whole: there is no use for what is left of the request, nor another one.
  if (!client_ && phase_ == Phase::kDone) return {0, io::Error::kEof};
  const Incoming::Step step = incoming_.Read(into);
  if (step.content > 0 && session_ != nullptr) {
    NotHeld(step.content);
    if (!peer_ended()) session_->Consumed(id_, step.content);
  }
  if (step.bytes > 0 || into.empty()) return {step.bytes, io::Error::kNone};
  return {0, client_ && incoming_.drained() ? io::Error::kEof : io::Error::kAgain};
}

io::IoResult Stream::TryWrite(std::span<const char> from) {
  if (error_ != io::Error::kNone) return {0, error_};
  const std::string_view text(from.data(), from.size());
  if (text.empty()) return {};
  switch (phase_) {
    case Phase::kHead:
      return WriteHead(text);
    case Phase::kBody:
      return WriteBody(text);
    case Phase::kDone:
      break;
  }
  return {0, bad_ ? io::Error::kReset : io::Error::kOther};
}

io::IoResult Stream::Abort() {
  bad_ = true;
  if (id_ != 0 && session_ != nullptr)
    session_->Reset(*this, client_ ? NGHTTP2_CANCEL : NGHTTP2_INTERNAL_ERROR);
  Break(io::Error::kOther);
  return {0, io::Error::kOther};
}

bool Stream::MayBeMore(std::string_view rest) const {
  if (client_ || rest.size() > kMaxTailBytes || session_->head().framing != http::Framing::kChunked)
    return false;
  if (session_->head().Find("grpc-status") == nullptr) return false;
  http::BodyDecoder body(session_->head());
  return !body.Take(rest).bad && !body.done();
}

io::IoResult Stream::WriteHead(std::string_view text) {
  if (session_ == nullptr) return {0, io::Error::kReset};
  const size_t held = held_.size();
  std::string_view whole = text;
  if (held > 0) {
    held_.Append(text);
    whole = held_.view();
  }
  size_t used = 0;
  while (phase_ == Phase::kHead) {
    const std::string_view rest = whole.substr(used);
    const http::ParseResult parsed = session_->ParseHead(*this, rest);
    if (parsed.status == http::ParseStatus::kBad) return Abort();
    const bool more = parsed.status == http::ParseStatus::kNeedMore;
    if (more || (!session_->interim() && MayBeMore(rest.substr(parsed.bytes)))) {
      if (held == 0) {
        held_.Append(rest);
      } else {
        held_.Consume(used);
      }
      return {text.size(), io::Error::kNone};
    }
    used += parsed.bytes;
    if (session_->interim()) {
      if (!session_->Submit(*this, false)) return Abort();
      continue;
    }
    phase_ = Phase::kBody;
    body_ = http::BodyDecoder(session_->head());
    used += TakeBody(whole.substr(used));
    if (bad_) return Abort();
    const bool ended = phase_ == Phase::kDone && content_ == 0 && trailers().empty();
    submitted_ = session_->Submit(*this, ended);
    if (!submitted_) {
      if (error_ == io::Error::kNone) return Abort();
      return {0, error_};
    }
  }
  held_.Clear();
  held_.Release();
  return {used - held, io::Error::kNone};
}

io::IoResult Stream::WriteBody(std::string_view text) {
  if (outgoing_.size() >= kStreamQueueBytes) {
    blocked_ = true;
    return {0, io::Error::kAgain};
  }
  const size_t used = TakeBody(text);
  if (bad_) return Abort();
  ResumeSending();
  return {used, io::Error::kNone};
}

// As much of the body as there is room for. Sets bad_ where it is none.
size_t Stream::TakeBody(std::string_view text) {
  size_t used = 0;
  while (!body_.done() && used < text.size() && outgoing_.size() < kStreamQueueBytes) {
    const std::string_view rest = text.substr(used, kStreamQueueBytes - outgoing_.size());
    const bool in_trailers = body_.in_trailers();
    const http::BodyDecoder::Step step = body_.Next(rest);
    if (step.bad) {
      bad_ = true;
      return 0;
    }
    if (in_trailers) {
      outgoing_.Append(rest.substr(0, step.bytes));
    } else {
      outgoing_.Append(step.payload);
      content_ += step.payload.size();
    }
    used += step.bytes;
  }
  if (body_.done()) phase_ = Phase::kDone;
  return used;
}

void Stream::ShutdownWrite() {
  if (phase_ != Phase::kBody || !body_.until_close() || error_ != io::Error::kNone) return;
  phase_ = Phase::kDone;
  ResumeSending();
}

void Stream::ResumeSending() {
  if (session_ == nullptr || !deferred_) return;
  deferred_ = false;
  session_->ResumeSending(id_);
}

}  // namespace tulle::http2
