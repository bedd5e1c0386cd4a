#include "lib/mux/stream.h"

#include <algorithm>
#include <cstring>

#include "lib/mux/session.h"

namespace tulle::mux {

Stream::~Stream() {
  if (session_ == nullptr) return;
  if (!peer_ended_ || !we_ended_) session_->SendReset(id_, ResetReason::kBroken);
  session_->Forget(id_);
}

io::IoResult Stream::TryRead(std::span<char> into) {
  if (in_.empty()) {
    if (error_ != io::Error::kNone) return {0, error_};
    return {0, peer_ended_ ? io::Error::kEof : io::Error::kAgain};
  }
  const size_t bytes = std::min(into.size(), in_.size());
  std::memcpy(into.data(), in_.view().data(), bytes);
  in_.Consume(bytes);
  in_.Release();
  readable_ = !in_.empty() || peer_ended_;
  consumed_ += static_cast<uint32_t>(bytes);
  if (consumed_ >= kStreamWindow / 2 && session_ != nullptr && !peer_ended_) {
    session_->SendCredit(id_, consumed_);
    window_ += consumed_;
    consumed_ = 0;
  }
  return {bytes, io::Error::kNone};
}

io::IoResult Stream::TryWrite(std::span<const char> from) {
  if (error_ != io::Error::kNone) return {0, error_};
  if (we_ended_) return {0, io::Error::kReset};
  if (from.empty()) return {};
  if (credit_ == 0) return {0, io::Error::kAgain};
  if (session_->backlogged()) {
    session_->starved_ = true;
    return {0, io::Error::kAgain};
  }
  const size_t bytes = std::min({from.size(), size_t{credit_}, kMaxPayload});
  session_->SendData(id_, {from.data(), bytes});
  credit_ -= static_cast<uint32_t>(bytes);
  return {bytes, io::Error::kNone};
}

void Stream::ShutdownWrite() {
  if (session_ == nullptr || we_ended_) return;
  we_ended_ = true;
  session_->Send(FrameType::kEnd, id_);
}

bool Stream::Received(std::string_view payload) {
  if (payload.size() > window_ || peer_ended_) return false;
  window_ -= static_cast<uint32_t>(payload.size());
  in_.Append(payload);
  Readable();
  return true;
}

bool Stream::Credited(uint32_t bytes) {
  if (bytes > kStreamWindow - credit_) return false;
  credit_ += bytes;
  Writable();
  return true;
}

void Stream::PeerEnded() {
  peer_ended_ = true;
  HungUp(false);
}

void Stream::Broken(io::Error error) {
  session_ = nullptr;
  error_ = error;
  HungUp(true);
}

}  // namespace tulle::mux
