#pragma once

#include <memory>
#include <string>

#include "lib/io/stream.h"

namespace tulle::sidecar::admin {

// Asks grpc.health.v1.Health/Check on a new connection without TLS, and ends it. Empty when `service` serves
// (an empty name: the server as a whole); else why not.
io::Task<std::string> AskHealth(std::unique_ptr<io::Stream> stream, std::string authority,
                                std::string service, io::TimePoint deadline);

}  // namespace tulle::sidecar::admin
