#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "lib/http/write.h"

namespace {

using namespace tulle::http;

void Require(bool holds) {
  if (!holds) std::abort();
}

std::string Forward(const RequestHead& head) {
  tulle::io::Buffer out;
  AppendRequestHead(out, head, {});
  return std::string(out.view());
}

}  // namespace

// The verdict does not depend on how much has arrived beyond it, and what is forwarded reads as what came in,
// here and at every later hop.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  RequestHead head;
  const ParseResult whole = ParseRequestHead(text, head);
  for (size_t bytes = 0; bytes < size; bytes += 1 + size / 64) {
    RequestHead early;
    const ParseResult part = ParseRequestHead(text.substr(0, bytes), early);
    if (part.status == ParseStatus::kNeedMore) continue;
    Require(part.status == whole.status && part.bytes == whole.bytes && part.reply == whole.reply);
  }
  if (whole.status != ParseStatus::kDone) return 0;
  Require(whole.bytes <= size && text.substr(0, whole.bytes).ends_with("\r\n\r\n"));
  Require(!head.method.empty() && !head.path().empty());
  if (head.headers.size() + 3 > kMaxHeaders || whole.bytes > kMaxHeadBytes / 2) return 0;

  const std::string forwarded = Forward(head);
  RequestHead next;
  const ParseResult again = ParseRequestHead(forwarded, next);
  Require(again.status == ParseStatus::kDone && again.bytes == forwarded.size());
  Require(next.method == head.method && next.target == head.target && next.framing == head.framing);
  Require(next.content_length == head.content_length && next.upgrade == head.upgrade);
  Require(next.Value(Known::kMesh).empty() && Forward(next) == forwarded);
  return 0;
}
