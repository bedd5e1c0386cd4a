#include "sidecar/detect/overheard.h"

#include "sidecar/detect/hello.h"
#include "sidecar/detect/sniff.h"

namespace tulle::sidecar::detect {

bool Overheard::Hear(std::string_view bytes) {
  if (done_ || bytes.empty()) return true;
  if (!held_.empty()) held_ += bytes;
  const std::string_view heard = held_.empty() ? bytes : std::string_view(held_);
  Hello hello = ReadHello(heard);
  bool more = hello.kind == Hello::Kind::kNeedMore;
  if (hello.kind == Hello::Kind::kTls) server_name_ = std::move(hello.server_name);
  if (word_) {
    const Spoken spoken = SniffPlain(heard);
    if (spoken == Spoken::kHttp1 || spoken == Spoken::kHttp2) return false;
    more |= spoken == Spoken::kNeedMore || spoken == Spoken::kWord;
  }
  done_ = !more;
  if (done_) {
    held_ = std::string();
  } else if (held_.empty()) {
    held_ = bytes;
  }
  return true;
}

}  // namespace tulle::sidecar::detect
