#pragma once

#include <string>
#include <string_view>

#include "lib/base/result.h"
#include "lib/io/stream.h"

namespace tulle::sidecar::admin {

// What an app answered to a check.
struct Reply {
  int status = 0;
  std::string grpc_status;  // of the head or the trailers
  std::string content;      // up to kMaxContentBytes; what comes after it was not read
};

// Makes one HTTP/1.1 request on `stream`, which must have a deadline, or says why there is no reply. Both
// arguments must outlive the task.
io::Task<base::Result<Reply>> Ask(io::Stream& stream, std::string_view request);

// Why a connection gave no reply, in words.
std::string Words(io::Error error);

}  // namespace tulle::sidecar::admin
