#include "operator/status/live.h"

#include <algorithm>
#include <set>

namespace tulle::control::status {
namespace {

using distribute::ReplicaReport;
using distribute::SidecarReport;

// Why the replicas are not all there yet; empty = they are.
std::string ReplicaTrouble(const compile::Verdict& verdict, const View& view,
                           const std::vector<ReplicaReport>& reports) {
  for (const Replica& replica : view.replicas) {
    const bool answered = std::any_of(reports.begin(), reports.end(),
                                      [&](const ReplicaReport& r) { return r.replica == replica.name; });
    if (!answered && replica.ready) return "operator replica " + replica.name + " does not answer";
  }
  for (const ReplicaReport& report : reports) {
    const auto generation = report.generations.find(verdict.meta.Text());
    const int64_t compiled = generation == report.generations.end() ? 0 : generation->second;
    if (compiled < verdict.meta.generation && !report.generations.empty()) {
      return "operator replica " + report.replica + " has not compiled generation " +
             std::to_string(verdict.meta.generation);
    }
  }
  return "";
}

struct Standing {
  bool affected = false;
  std::string trouble;  // empty = it runs this version
  bool rejected = false;
};

Standing Look(const SidecarReport& sidecar, const compile::Verdict& verdict,
              const compile::Compiled& compiled) {
  Standing standing;
  for (const std::string& name : verdict.shaped) {
    const auto entry = compiled.entries.find(name);
    if (entry == compiled.entries.end()) continue;
    const auto held = sidecar.held.find(name);
    const auto sent = sidecar.in_flight.find(name);
    const auto rejected = sidecar.rejected.find(name);
    if (held == sidecar.held.end() && sent == sidecar.in_flight.end() && rejected == sidecar.rejected.end())
      continue;
    standing.affected = true;
    const std::string& version = entry->second.resource.version;
    if (rejected != sidecar.rejected.end()) {
      standing.rejected = true;
      standing.trouble = "rejected " + name + ": " + rejected->second;
    } else if (sent != sidecar.in_flight.end()) {
      standing.trouble = "has not answered yet";
    } else if (held->second != version) {
      standing.trouble = "still runs an older version";
    }
  }
  return standing;
}

}  // namespace

Live JudgeLive(const compile::Verdict& verdict, const View& view, const std::vector<ReplicaReport>& reports) {
  if (!verdict.in_force) {
    return {false, "NotInForce",
            verdict.accepted ? verdict.resolved_message : "not accepted: " + verdict.accepted_message};
  }
  if (const std::string trouble = ReplicaTrouble(verdict, view, reports); !trouble.empty()) {
    return {false, "Pending", trouble};
  }
  size_t good = 0, all = 0;
  std::string first;
  bool rejected = false;
  const auto count = [&](const std::string& pod, const std::string& trouble) {
    ++all;
    good += trouble.empty();
    if (!trouble.empty() && first.empty()) first = "pod " + pod + ": " + trouble;
  };
  std::set<std::string> connected;
  for (const ReplicaReport& report : reports) {
    for (const SidecarReport& sidecar : report.sidecars) {
      connected.insert(sidecar.pod);
      const Standing standing = Look(sidecar, verdict, *view.compiled);
      rejected |= standing.rejected;
      if (standing.affected) count(sidecar.pod, standing.trouble);
    }
  }
  for (const InjectedPod& pod : view.pods) {
    if (pod.expected && !connected.contains(pod.key)) count(pod.key, "not connected");
  }
  const std::string numbers = std::to_string(good) + "/" + std::to_string(all);
  if (good == all) return {true, "Live", numbers};
  return {false, rejected ? "Rejected" : "Pending", numbers + ", " + first};
}

}  // namespace tulle::control::status
