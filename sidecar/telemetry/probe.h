#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "lib/telemetry/registry.h"
#include "sidecar/telemetry/access_log.h"

namespace tulle::sidecar::telemetry {

// What there is to say of one request or one opaque connection when it is over. Views need to last for the
// call only.
struct Record {
  bool inbound = false;
  std::string_view protocol;     // "http", "tcp"
  std::string_view source;       // workload or SPIFFE id of the caller; "unknown"
  std::string_view destination;  // "shop/web": Service when outbound, workload when inbound; "unknown"
  std::string_view backend;      // who took it: "split/shop/web#1"
  std::string_view rule;         // "route/shop/web#2"
  std::string_view endpoint;     // address
  std::string_view method;
  std::string_view host;
  std::string_view path;
  std::string_view sni;     // whom the client of an opaque connection wants, where it speaks TLS
  std::string_view reason;  // of a refusal or failure; empty = the app answered
  int status = 0;           // 0: none was sent (always so for tcp)
  int attempts = 0;
  bool mtls = false;
  uint64_t request_bytes = 0;
  uint64_t response_bytes = 0;
  std::chrono::nanoseconds duration{0};
};

// One worker's metrics and access log. Used on its thread; the registry may be scraped from any.
class Probe {
 public:
  Probe(::tulle::telemetry::Registry& registry, AccessLog& log, AccessLogMode mode, std::string worker);

  void Done(const Record& record);
  void ConnectionOpened(bool inbound);
  void ConnectionClosed(bool inbound);
  void HandshakeFailed(std::string_view reason);
  void Detected(std::string_view protocol);
  // A far side that we had called broke the rules of a connection that calls share.
  void PeerThrownOut(std::string_view reason);
  // A request met a limit of a policy; in shadow mode it went on. `limit` is what the reason calls it.
  void Limited(std::string_view limit, std::string_view policy, bool shadow);
  // A detector found that an endpoint of `service` fails; it may have been spared all the same.
  void Outlier(std::string_view service, std::string_view endpoint, std::string_view cause, bool ejected);

 private:
  struct Series {
    ::tulle::telemetry::Counter* total;
    ::tulle::telemetry::Counter* retries;
    ::tulle::telemetry::Counter* request_bytes;
    ::tulle::telemetry::Counter* response_bytes;
    ::tulle::telemetry::Histogram* duration;
  };
  Series& SeriesFor(const Record& record);
  void Log(const Record& record);

  ::tulle::telemetry::Registry& registry_;
  AccessLog& log_;
  AccessLogMode mode_;
  std::string worker_;
  std::string key_;   // scratch
  std::string line_;  // scratch
  std::unordered_map<std::string, Series> series_;
  std::unordered_map<std::string, ::tulle::telemetry::Counter*> limited_;
  ::tulle::telemetry::Gauge* open_[2];
};

}  // namespace tulle::sidecar::telemetry
