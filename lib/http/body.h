#pragma once

#include <cstdint>
#include <string_view>

#include "lib/http/head.h"

namespace tulle::http {

// Whether a header of that name may stand in trailers: not what would change routing, framing or identity if
// a receiver merged trailers into the head.
bool MayBeTrailer(std::string_view name);

// Finds the end of a body while its bytes pass by unchanged. Chunked bodies are checked as strictly as heads:
// sizes, line ends, extensions, and trailers, which must not carry what belongs into a head.
class BodyDecoder {
 public:
  BodyDecoder() = default;
  // For the body that follows `head`.
  explicit BodyDecoder(const Head& head)
      : framing_(head.framing), left_(head.framing == Framing::kLength ? head.content_length : 0) {}

  struct Step {
    size_t bytes = 0;          // of the input that belong to the body, framing included
    std::string_view payload;  // what of them is content: a part of the input
    bool bad = false;          // the body breaks the rules; nothing after this can be trusted
  };
  // Takes one piece from the start of `data`; call again with the rest until it takes 0 bytes or done().
  Step Next(std::string_view data);

  // All of `data` that belongs to the body, piece after piece.
  Step Take(std::string_view data);

  bool done() const {
    return framing_ == Framing::kNone || (framing_ == Framing::kLength && left_ == 0) ||
           (framing_ == Framing::kChunked && state_ == State::kEnd);
  }
  // Between the last chunk and the end: what Next takes then is the text of trailers, and it takes nothing
  // else with it.
  bool in_trailers() const { return state_ == State::kTrailer; }
  // The connection's end is the body's end.
  bool until_close() const { return framing_ == Framing::kUntilClose; }

 private:
  enum class State : uint8_t {
    kSize,
    kExtensionName,
    kExtension,
    kSizeLf,
    kData,
    kDataCr,
    kDataLf,
    kTrailer,
    kEnd
  };

  bool Advance(char c);
  bool AdvanceTrailer(char c);

  Framing framing_ = Framing::kNone;
  State state_ = State::kSize;
  uint64_t left_ = 0;
  uint32_t line_bytes_ = 0;  // of the current chunk line, or of all trailers
  // A trailer line is checked as it passes: the start of its name, and whether the colon was seen.
  uint8_t name_bytes_ = 0;
  bool in_name_ = true;
  bool line_empty_ = true;
  bool saw_cr_ = false;
  char name_[24] = {};
};

}  // namespace tulle::http
