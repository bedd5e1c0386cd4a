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

std::string Forward(const ResponseHead& head) {
  tulle::io::Buffer out;
  AppendResponseHead(out, head, {});
  return std::string(out.view());
}

void Check(std::string_view text, std::string_view method) {
  ResponseHead head;
  const ParseResult whole = ParseResponseHead(text, method, head);
  for (size_t bytes = 0; bytes < text.size(); bytes += 1 + text.size() / 64) {
    ResponseHead early;
    const ParseResult part = ParseResponseHead(text.substr(0, bytes), method, early);
    Require(part.status == ParseStatus::kNeedMore ||
            (part.status == whole.status && part.bytes == whole.bytes));
  }
  if (whole.status != ParseStatus::kDone) return;
  Require(whole.bytes <= text.size() && head.status >= 100 && head.status <= 999);
  if (head.headers.size() + 3 > kMaxHeaders || whole.bytes > kMaxHeadBytes / 2) return;

  const std::string forwarded = Forward(head);
  ResponseHead next;
  const ParseResult again = ParseResponseHead(forwarded, method, next);
  Require(again.status == ParseStatus::kDone && again.bytes == forwarded.size());
  Require(next.status == head.status && next.reason == head.reason && next.framing == head.framing);
  Require(next.Value(Known::kMesh).empty() && Forward(next) == forwarded);
}

}  // namespace

// As for requests; and an answer to HEAD is the same but for its body.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Check(text, "GET");
  Check(text, "HEAD");
  return 0;
}
