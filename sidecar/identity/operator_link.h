#pragma once

#include <memory>
#include <string>

#include "lib/base/result.h"
#include "lib/http/head.h"
#include "lib/io/buffer.h"
#include "lib/io/stream.h"
#include "lib/tls/context.h"

namespace tulle::sidecar::identity {

// How this sidecar reaches its operator: any replica behind one name.
struct OperatorAddress {
  std::string host;  // name or IP
  uint16_t port = 15010;
  std::string server_name;  // what the operator's certificate must say
};

// "host:port". A host that is an IP address is expected to prove the operator's usual name.
base::Result<OperatorAddress> ParseOperatorAddress(const std::string& text);

inline constexpr size_t kMaxReplyBytes = 256 << 10;

// Connects and verifies the operator against the roots in `context`. Name resolution blocks this thread for a
// moment: it is the control thread, which carries no traffic.
io::Task<base::Result<std::unique_ptr<io::Stream>>> DialOperator(io::Loop& loop, OperatorAddress address,
                                                                 std::shared_ptr<const tls::Context> context);

struct Reply {
  int status = 0;
  std::string body;
};

// Sends one request and reads the whole reply, within 10 s. `in` holds what came after it (for an upgraded
// connection).
io::Task<base::Result<Reply>> Call(io::Stream& stream, io::Buffer& in, std::string request);

}  // namespace tulle::sidecar::identity
