#include "lib/http/body.h"

#include <algorithm>

#include "lib/http/text.h"

namespace tulle::http {
namespace {

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

bool MayBeTrailer(std::string_view name) {
  for (const std::string_view forbidden :
       {"content-length", "transfer-encoding", "host", "authorization", "connection", "te", "trailer",
        "upgrade", "expect", "cookie", "set-cookie"}) {
    if (EqualsIgnoreCase(name, forbidden)) return false;
  }
  return !StartsWithIgnoreCase(name, "x-tulle") && !StartsWithIgnoreCase(name, "x_tulle");
}

BodyDecoder::Step BodyDecoder::Take(std::string_view data) {
  Step all;
  while (!done() && all.bytes < data.size()) {
    const Step step = Next(data.substr(all.bytes));
    if (step.bad) {
      all.bad = true;
      return all;
    }
    all.bytes += step.bytes;
  }
  all.payload = data.substr(0, all.bytes);
  return all;
}

BodyDecoder::Step BodyDecoder::Next(std::string_view data) {
  switch (framing_) {
    case Framing::kNone:
      return {};
    case Framing::kUntilClose:
      return {data.size(), data, false};
    case Framing::kLength: {
      const size_t bytes = static_cast<size_t>(std::min<uint64_t>(left_, data.size()));
      left_ -= bytes;
      return {bytes, data.substr(0, bytes), false};
    }
    case Framing::kChunked:
      break;
  }
  size_t bytes = 0;
  while (bytes < data.size() && state_ != State::kEnd) {
    if (state_ == State::kData) {
      const size_t piece = static_cast<size_t>(std::min<uint64_t>(left_, data.size() - bytes));
      left_ -= piece;
      if (left_ == 0) state_ = State::kDataCr;
      return {bytes + piece, data.substr(bytes, piece), false};
    }
    const bool was_in_trailers = in_trailers();
    if (!Advance(data[bytes++])) return {0, {}, true};
    if (in_trailers() != was_in_trailers) break;
  }
  return {bytes, {}, false};
}

bool BodyDecoder::Advance(char c) {
  switch (state_) {
    case State::kSize: {
      if (++line_bytes_ > kMaxChunkLineBytes) return false;
      if (const int digit = HexValue(c); digit >= 0) {
        if (left_ >> 58) return false;
        left_ = left_ * 16 + digit;
        return true;
      }
      if (line_bytes_ == 1) return false;  // no digit at all
      if (c == ';') state_ = State::kExtensionName;
      if (c == '\r') state_ = State::kSizeLf;
      return c == ';' || c == '\r';
    }
    case State::kExtensionName:
      if (++line_bytes_ > kMaxChunkLineBytes) return false;
      if (c == ' ' || c == '\t') return true;
      state_ = State::kExtension;
      return IsTokenChar(c);
    case State::kExtension:
      if (++line_bytes_ > kMaxChunkLineBytes) return false;
      if (c == '\r') state_ = State::kSizeLf;
      return c == '\r' || c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
    case State::kSizeLf:
      line_bytes_ = 0;
      state_ = left_ == 0 ? State::kTrailer : State::kData;
      return c == '\n';
    case State::kDataCr:
      state_ = State::kDataLf;
      return c == '\r';
    case State::kDataLf:
      state_ = State::kSize;
      return c == '\n';
    case State::kTrailer:
      return AdvanceTrailer(c);
    case State::kData:
    case State::kEnd:
      break;
  }
  return false;
}

bool BodyDecoder::AdvanceTrailer(char c) {
  if (++line_bytes_ > kMaxTrailerBytes) return false;
  if (saw_cr_) {
    if (c != '\n') return false;
    if (line_empty_) {
      state_ = State::kEnd;
      return true;
    }
    const bool complete = !in_name_;
    saw_cr_ = false;
    line_empty_ = in_name_ = true;
    name_bytes_ = 0;
    return complete;
  }
  if (c == '\r') {
    saw_cr_ = true;
    return true;
  }
  line_empty_ = false;
  if (!in_name_) return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  if (c == ':') {
    in_name_ = false;
    return name_bytes_ > 0 && MayBeTrailer({name_, std::min<size_t>(name_bytes_, sizeof name_)});
  }
  if (name_bytes_ < sizeof name_) name_[name_bytes_] = c;
  if (name_bytes_ < 255) ++name_bytes_;
  return IsTokenChar(c);
}

}  // namespace tulle::http
