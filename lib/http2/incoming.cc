#include "lib/http2/incoming.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace tulle::http2 {

using Framing = FieldBlock::Framing;

void Incoming::AddContent(std::string_view content) {
  if (framing_ == Framing::kNone) return;  // nghttp2 lets none through that is not empty
  held_.Append(content);
  content_ += content.size();
}

void Incoming::AddTrailers(std::string_view lines) {
  if (framing_ != Framing::kChunked) return;
  held_.Append(lines);
  trailers_ += lines.size();
}

void Incoming::Drop() {
  held_.Clear();
  held_.Release();
  head_ = content_ = trailers_ = 0;
}

// The framing that comes next, if there is any.
bool Incoming::Stage() {
  if (framing_ != Framing::kChunked || staged() > 0) return false;
  stage_begin_ = stage_end_ = 0;
  char* end = stage_;
  if (in_chunk_) {
    if (chunk_left_ > 0) return false;
    in_chunk_ = false;
  } else if (content_ > 0) {
    chunk_left_ = content_;
    in_chunk_ = true;
    end = std::to_chars(stage_, stage_ + sizeof stage_, content_, 16).ptr;
  } else if (ended_ && !last_chunk_) {
    last_chunk_ = true;
    *end++ = '0';
  } else {
    return false;
  }
  *end++ = '\r';
  *end++ = '\n';
  // The empty line goes behind the trailers; held_ has it ready where there are any.
  if (last_chunk_) {
    if (trailers_ == 0) {
      *end++ = '\r';
      *end++ = '\n';
    } else {
      held_.Append("\r\n");
      trailers_ += 2;
    }
  }
  stage_end_ = static_cast<uint8_t>(end - stage_);
  return true;
}

Incoming::Step Incoming::Read(std::span<char> into) {
  Step step;
  const auto take = [&](size_t& left, size_t most) {
    const size_t bytes = std::min({left, most, into.size() - step.bytes});
    std::memcpy(into.data() + step.bytes, held_.view().data(), bytes);
    held_.Consume(bytes);
    left -= bytes;
    step.bytes += bytes;
    return bytes;
  };
  while (step.bytes < into.size()) {
    if (head_ > 0) {
      take(head_, head_);
    } else if (staged() > 0 || Stage()) {
      const size_t bytes = std::min(staged(), into.size() - step.bytes);
      std::memcpy(into.data() + step.bytes, stage_ + stage_begin_, bytes);
      stage_begin_ = static_cast<uint8_t>(stage_begin_ + bytes);
      step.bytes += bytes;
    } else if (content_ > 0) {
      const size_t bytes = take(content_, framing_ == Framing::kChunked ? chunk_left_ : content_);
      if (framing_ == Framing::kChunked) chunk_left_ -= bytes;
      step.content += bytes;
    } else if (last_chunk_ && trailers_ > 0) {
      take(trailers_, trailers_);
    } else {
      break;
    }
  }
  held_.Release();
  return step;
}

}  // namespace tulle::http2
