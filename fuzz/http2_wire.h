#pragma once

#include <string>

#include "fuzz/wire.h"
#include "lib/http2/client.h"

namespace tulle::fuzz {

// The frame with which a server greets.
inline const std::string kNoSettings("\0\0\0\4\0\0\0\0\0", 9);

inline io::Task<void> Greeting(http2::ClientSession& client) {
  while (!client.usable()) co_await TheLoop().Sleep(io::Duration::zero());
}

}  // namespace tulle::fuzz
