#pragma once

#include <string>

namespace tulle::sidecar::admin {

// Asks grpc.health.v1.Health/Check of a server without TLS. Empty when it serves; else why not. Blocks up to
// the timeout.
std::string CheckGrpcHealth(const std::string& ip, int port, const std::string& service, int timeout_seconds);

}  // namespace tulle::sidecar::admin
