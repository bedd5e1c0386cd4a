#pragma once

#include <string>
#include <string_view>

namespace tulle::sidecar::detect {

// What is heard at the beginning from the client of a connection whose bytes are carried as they are, while
// they pass: whom it wants, if it speaks TLS. It delays nothing; while it does not know yet, it keeps a copy
// of a few KiB.
class Overheard {
 public:
  // `word`: the client has said a mere word so far, and nothing behind it for so long that it was not taken
  // for the start of a request.
  explicit Overheard(bool word) : word_(word) {}

  // The next bytes of the client, from the very first. False: what began with a word is a request after all,
  // and its rest must not reach a server that may read it as one.
  bool Hear(std::string_view bytes);

  // From the ClientHello; empty where there was none, or no name in it.
  const std::string& server_name() const { return server_name_; }

 private:
  const bool word_;
  bool done_ = false;
  std::string held_;
  std::string server_name_;
};

}  // namespace tulle::sidecar::detect
