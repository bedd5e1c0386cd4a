#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"

namespace tulle::sidecar::admin {

// A health check of the app that the kubelet used to make itself and now asks us for, since under strict mTLS
// only we can reach the app.
struct AppProbe {
  enum class Kind { kHttp, kTcp, kGrpc } kind = Kind::kTcp;
  uint16_t port = 0;
  std::string scheme = "HTTP";
  std::string path = "/";
  std::string host;  // Host header; empty = the address
  std::vector<std::pair<std::string, std::string>> headers;
  std::string service;  // gRPC
  int timeout_seconds = 1;
};

// The value of TULLE_PROBES: "<container>/<kind>" -> probe, as the webhook writes it.
base::Result<std::map<std::string, AppProbe>> ParseAppProbes(std::string_view json);

}  // namespace tulle::sidecar::admin
