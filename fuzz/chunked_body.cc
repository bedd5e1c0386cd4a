#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>

#include "lib/http/body.h"

namespace {

using tulle::http::BodyDecoder;

struct Outcome {
  std::string payload;
  size_t bytes = 0;
  bool bad = false;
  bool done = false;
  bool operator==(const Outcome&) const = default;
};

// Decodes `text` in pieces of up to `longest` bytes. Where a body is bad, how much of it passed before the
// bad byte was seen may depend on the cut.
Outcome Decode(std::string_view text, size_t longest, uint32_t seed) {
  tulle::http::Head head;
  head.framing = tulle::http::Framing::kChunked;
  BodyDecoder decoder(head);
  std::minstd_rand random(seed);
  Outcome outcome;
  while (!text.empty() && !decoder.done()) {
    std::string_view piece = text.substr(0, 1 + random() % longest);
    text.remove_prefix(piece.size());
    while (!piece.empty() && !decoder.done()) {
      const BodyDecoder::Step step = decoder.Next(piece);
      if (step.bad) return {{}, 0, true, false};
      if (step.bytes == 0 || step.bytes > piece.size()) std::abort();
      outcome.payload += step.payload;
      outcome.bytes += step.bytes;
      piece.remove_prefix(step.bytes);
    }
  }
  outcome.done = decoder.done();
  return outcome;
}

}  // namespace

// Payload and total do not depend on how the input is cut into pieces.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Outcome whole = Decode(text, size + 1, 1);
  for (const size_t longest : {size_t{1}, size_t{3}, size_t{40}}) {
    if (Decode(text, longest, static_cast<uint32_t>(size) + 1) != whole) std::abort();
  }
  tulle::http::Head head;
  head.framing = tulle::http::Framing::kChunked;
  BodyDecoder decoder(head);
  const BodyDecoder::Step all = decoder.Take(text);
  if (all.bad != whole.bad || decoder.done() != whole.done) std::abort();
  if (!all.bad && (all.bytes != whole.bytes || all.payload != text.substr(0, all.bytes))) std::abort();
  return 0;
}
