#include "lib/kube/lease.h"

#include <spdlog/spdlog.h>

#include <condition_variable>
#include <ctime>
#include <mutex>
#include <nlohmann/json.hpp>

namespace tulle::kube {
namespace {

using nlohmann::json;

std::string Text(const json& object, const char* field) {
  return object.is_object() && object.contains(field) && object[field].is_string()
             ? object[field].get<std::string>()
             : "";
}

int64_t Number(const json& object, const char* field, int64_t otherwise) {
  return object.is_object() && object.contains(field) && object[field].is_number_integer()
             ? object[field].get<int64_t>()
             : otherwise;
}

std::string Format(std::chrono::system_clock::time_point time, const char* format) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm tm = {};
  gmtime_r(&seconds, &tm);
  char text[64];
  const size_t size = std::strftime(text, sizeof text, format, &tm);
  return std::string(text, size);
}

}  // namespace

std::string MicroTime(std::chrono::system_clock::time_point time) {
  return Format(time, "%Y-%m-%dT%H:%M:%S.000000Z");
}
std::string Rfc3339(std::chrono::system_clock::time_point time) { return Format(time, "%Y-%m-%dT%H:%M:%SZ"); }

LeaderElection::LeaderElection(Client& client, Options options, std::function<void(bool)> on_change)
    : client_(client),
      collection_{"coordination.k8s.io/v1", "leases", options.ns},
      options_(std::move(options)),
      on_change_(std::move(on_change)) {}

void LeaderElection::Run(std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  while (!stop.stop_requested()) {
    Step(Clock::now());
    std::unique_lock lock(mutex);
    never.wait_for(lock, stop, options_.retry, [] { return false; });
  }
  if (leading_) Release();
}

void LeaderElection::Step(Clock::time_point now) {
  const Client::Answer lease = client_.Get(collection_, options_.name);
  bool renewed = false;
  if (lease.ok()) {
    const std::optional<json> desired = Desired(*lease, now);
    if (!desired) {
      SetLeading(false);
      return;
    }
    const Client::Answer put = client_.Update(collection_, options_.name, *desired);
    renewed = put.ok();
    if (!put.ok() && !put.failure().conflict()) spdlog::warn("leader election: {}", put.failure().what);
  } else if (lease.failure().not_found()) {
    const json fresh = {{"apiVersion", collection_.api_version},
                        {"kind", "Lease"},
                        {"metadata", {{"name", options_.name}, {"namespace", options_.ns}}},
                        {"spec", json::object()}};
    renewed = client_.Create(collection_, *Desired(fresh, now)).ok();
  } else {
    spdlog::warn("leader election: {}", lease.failure().what);
  }
  if (renewed) {
    // Counted from before the call: what took long must not make us believe longer than the others do.
    renewed_at_ = now;
    SetLeading(true);
  } else if (Clock::now() - renewed_at_ > options_.renew_deadline) {
    SetLeading(false);
  }
}

// The Lease with us as its holder, or nothing while another holds it.
std::optional<json> LeaderElection::Desired(const json& lease, Clock::time_point now) {
  json desired = lease;
  const std::string version = Text(lease.value("metadata", json::object()), "resourceVersion");
  if (version != seen_) {
    seen_ = version;
    seen_at_ = now;
  }
  if (!desired["spec"].is_object()) desired["spec"] = json::object();
  json& spec = desired["spec"];
  const std::string holder = Text(spec, "holderIdentity");
  const auto lease_time = std::chrono::seconds(Number(spec, "leaseDurationSeconds", 15));
  if (!holder.empty() && holder != options_.identity && now - seen_at_ < lease_time) return std::nullopt;
  const std::string time = MicroTime(std::chrono::system_clock::now());
  if (holder != options_.identity) {
    spec["acquireTime"] = time;
    spec["leaseTransitions"] = Number(spec, "leaseTransitions", 0) + (holder.empty() ? 0 : 1);
  }
  spec["holderIdentity"] = options_.identity;
  spec["renewTime"] = time;
  spec["leaseDurationSeconds"] = std::chrono::duration_cast<std::chrono::seconds>(options_.lease).count();
  return desired;
}

void LeaderElection::Release() {
  const Client::Answer lease = client_.Get(collection_, options_.name);
  if (lease.ok() && lease->contains("spec") &&
      Text((*lease)["spec"], "holderIdentity") == options_.identity) {
    json released = *lease;
    released["spec"]["holderIdentity"] = "";
    released["spec"]["leaseDurationSeconds"] = 1;
    const Client::Answer put = client_.Update(collection_, options_.name, released);
    if (!put.ok()) spdlog::warn("leader election: cannot release: {}", put.failure().what);
  }
  SetLeading(false);
}

void LeaderElection::SetLeading(bool leading) {
  if (leading_.exchange(leading) == leading) return;
  spdlog::info("{} is {} the leader", options_.identity, leading ? "now" : "no longer");
  if (on_change_) on_change_(leading);
}

}  // namespace tulle::kube
