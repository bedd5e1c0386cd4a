#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "lib/http2/convert.h"
#include "lib/io/buffer.h"

namespace tulle::http2 {

// What a peer sends on one stream, as the HTTP/1.1 text that a reader takes from it piece by piece. Content
// is kept bare: chunks are made when they are read, as large as what is there, so however small the pieces
// came in, no more is held than the stream's window and the heads.
class Incoming {
 public:
  // Where a head is to be written; its framing then goes to Body.
  io::Buffer& BeginHead() { return held_; }
  void EndHead() { head_ = held_.size(); }
  void Body(FieldBlock::Framing framing) { framing_ = framing; }

  void AddContent(std::string_view content);
  // `lines` without the empty one. Trailers of a body that is not chunked have nowhere to go.
  void AddTrailers(std::string_view lines);
  void End() { ended_ = true; }
  void Drop();

  struct Step {
    size_t bytes = 0;    // written to `into`
    size_t content = 0;  // of the peer's content that have gone with it
  };
  Step Read(std::span<char> into);

  bool ended() const { return ended_; }
  bool readable() const { return head_ + staged() + content_ + trailers_ > 0 || (ended_ && !finished()); }
  // Everything has come and was read.
  bool drained() const { return ended_ && !readable() && !in_chunk_; }

 private:
  size_t staged() const { return stage_end_ - stage_begin_; }
  bool finished() const { return framing_ != FieldBlock::Framing::kChunked || last_chunk_; }
  bool Stage();

  io::Buffer held_;  // heads, then content, then trailers; of each as much as these say
  size_t head_ = 0;
  size_t content_ = 0;
  size_t trailers_ = 0;
  FieldBlock::Framing framing_ = FieldBlock::Framing::kNone;
  bool ended_ = false;
  bool last_chunk_ = false;  // is staged or gone
  size_t chunk_left_ = 0;    // of the content, until the line end that closes the chunk
  bool in_chunk_ = false;
  char stage_[24];  // bytes of chunk framing to go next
  uint8_t stage_begin_ = 0;
  uint8_t stage_end_ = 0;
};

}  // namespace tulle::http2
