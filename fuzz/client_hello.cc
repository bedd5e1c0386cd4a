#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sidecar/detect/hello.h"
#include "sidecar/detect/overheard.h"

// What is read from a ClientHello does not depend on how its bytes come, and what is repeated of it can stand
// in any line of a log.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tulle::sidecar::detect;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Hello hello = ReadHello(bytes);
  for (size_t seen = 0; seen < size; seen += 1 + (seen > 64 ? size / 64 : 0)) {
    const Hello early = ReadHello(bytes.substr(0, seen));
    if (early.kind == Hello::Kind::kNeedMore) continue;
    if (early.kind != hello.kind || early.alpn != hello.alpn) std::abort();
    if (early.server_name != hello.server_name) std::abort();
  }
  if (hello.kind == Hello::Kind::kNeedMore && size >= 16 << 10) std::abort();

  Overheard overheard(false);
  const size_t piece = size == 0 ? 1 : 1 + data[size - 1] % 64;
  for (size_t at = 0; at < size; at += piece) overheard.Hear(bytes.substr(at, piece));
  if (overheard.server_name() != hello.server_name) std::abort();
  const auto printable = [](char c) { return c > ' ' && c < 127 && c != '"' && c != '\\'; };
  if (!std::all_of(hello.server_name.begin(), hello.server_name.end(), printable)) std::abort();
  if (hello.server_name.size() > 255) std::abort();
  return 0;
}
