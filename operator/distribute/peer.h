#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/json/fields.h"

// What a replica tells the leader at GET /v1/peer: how far it is, and what its sidecars run.
namespace tulle::control::distribute {

struct SidecarReport {
  std::string pod;       // "shop/web-1"
  std::string workload;  // "shop/web"
  std::vector<std::string> subscribed;
  std::map<std::string, std::string> held;       // name -> version in force
  std::map<std::string, std::string> rejected;   // name -> reason
  std::map<std::string, std::string> in_flight;  // name -> version, sent and not yet answered

  bool operator==(const SidecarReport&) const = default;
  static constexpr auto Describe() {
    return json::Object("One connected sidecar.",
                        json::Field("pod", &SidecarReport::pod, "namespace/name", {.required = true}),
                        json::Field("workload", &SidecarReport::workload, "namespace/name"),
                        json::Field("subscribed", &SidecarReport::subscribed, "Names it asked for."),
                        json::Field("held", &SidecarReport::held, "Versions in force, by name."),
                        json::Field("rejected", &SidecarReport::rejected, "Reasons of refusals, by name."),
                        json::Field("inFlight", &SidecarReport::in_flight, "Sent and not yet answered."));
  }
};

struct ReplicaReport {
  std::string replica;
  std::map<std::string, int64_t> generations;  // "Split shop/web" -> generation that was compiled
  std::vector<SidecarReport> sidecars;

  bool operator==(const ReplicaReport&) const = default;
  static constexpr auto Describe() {
    return json::Object("One replica of the operator.",
                        json::Field("replica", &ReplicaReport::replica, "Name of its pod."),
                        json::Field("generations", &ReplicaReport::generations, "Compiled, by resource."),
                        json::Field("sidecars", &ReplicaReport::sidecars, "Its streams."));
  }
};

std::string EncodeReport(const ReplicaReport& report);
base::Result<ReplicaReport, json::Problems> DecodeReport(std::string_view text);

}  // namespace tulle::control::distribute
