#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sidecar/detect/hello.h"
#include "sidecar/detect/sniff.h"

// What the first bytes of a connection were found to be, they stay: more bytes change no verdict.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tulle::sidecar::detect;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Spoken spoken = SniffPlain(bytes);
  for (size_t seen = 0; seen < size; seen += 1 + (seen > 64 ? size / 64 : 0)) {
    const Spoken early = SniffPlain(bytes.substr(0, seen));
    const bool undecided = early == Spoken::kNeedMore || early == Spoken::kWord;
    if (!undecided && early != spoken) std::abort();
  }
  // Whatever looks like TLS from the start is no HTTP.
  if (ReadHello(bytes).kind == Hello::Kind::kTls && spoken != Spoken::kOpaque) std::abort();
  return 0;
}
