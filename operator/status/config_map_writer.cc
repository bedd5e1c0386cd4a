#include "operator/status/config_map_writer.h"

#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>

#include "lib/meshconfig/codec.h"

namespace tulle::control::status {
namespace {

using nlohmann::json;
using std::chrono::steady_clock;

constexpr const char* kManagedBy = "tulle.dev/managed-by";
constexpr const char* kOperator = "tulle-operator";
constexpr const char* kWorkload = "tulle.dev/workload";
constexpr const char* kKey = "config.json";

std::string Ns(const std::string& workload) { return workload.substr(0, workload.find('/')); }
std::string Name(const std::string& workload) { return workload.substr(workload.find('/') + 1); }

}  // namespace

ConfigMapWriter::ConfigMapWriter(kube::Client& client, std::string ns, telemetry::Registry& metrics)
    : client_(client),
      ns_(std::move(ns)),
      writes_(metrics.GetCounter("tulle_operator_configmap_writes_total", "ConfigMaps written.")),
      failures_(
          metrics.GetCounter("tulle_operator_configmap_write_failures_total", "ConfigMaps not written.")) {}

ConfigMapWriter::~ConfigMapWriter() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
}

void ConfigMapWriter::Start() {
  thread_ = std::jthread([this](std::stop_token stop) { Run(std::move(stop)); });
}

void ConfigMapWriter::Set(const View& view, const std::vector<distribute::ReplicaReport>& reports) {
  auto input = std::make_shared<Input>();
  input->documents = WantedDocuments(view, reports);
  for (const InjectedPod& pod : view.pods) input->workloads.insert(pod.workload);
  const std::lock_guard lock(mutex_);
  input_ = std::move(input);
}

void ConfigMapWriter::Forget() {
  const std::lock_guard lock(mutex_);
  input_.reset();
  forget_ = true;
}

void ConfigMapWriter::Run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    std::shared_ptr<const Input> input;
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, stop, kInterval, [] { return false; });
      input = input_;
      if (std::exchange(forget_, false)) {
        written_.clear();
        gone_since_.clear();
      }
    }
    if (input == nullptr || stop.stop_requested()) continue;
    WriteAll(*input, stop);
    if (steady_clock::now() - swept_at_ >= kSweep) Sweep(*input);
  }
}

void ConfigMapWriter::WriteAll(const Input& input, std::stop_token stop) {
  for (const auto& [workload, resources] : input.documents) {
    if (stop.stop_requested()) return;
    std::string document = meshconfig::EncodeDocument(resources);
    const auto written = written_.find(workload);
    if (written != written_.end() && written->second == document) continue;
    if (Write(workload, document)) written_[workload] = std::move(document);
  }
}

// The Namespace owns them: it is cluster-scoped, so it may own objects of every namespace, and uninstalling
// takes them along.
bool ConfigMapWriter::FindOwner() {
  if (!owner_uid_.empty()) return true;
  const kube::Client::Answer found = client_.Get({"v1", "namespaces"}, ns_);
  if (found.ok()) owner_uid_ = found->value("metadata", json::object()).value("uid", "");
  if (owner_uid_.empty()) spdlog::warn("ConfigMaps: no uid of namespace {}", ns_);
  return !owner_uid_.empty();
}

bool ConfigMapWriter::Write(const std::string& workload, const std::string& document) {
  if (!FindOwner()) return false;
  const kube::Collection maps{"v1", "configmaps", Ns(workload)};
  const std::string name = ConfigMapName(workload);
  const json owner = {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"name", ns_}, {"uid", owner_uid_}};
  const json map = {{"apiVersion", "v1"},
                    {"kind", "ConfigMap"},
                    {"metadata",
                     {{"name", name},
                      {"namespace", Ns(workload)},
                      {"labels", {{kManagedBy, kOperator}}},
                      {"annotations", {{kWorkload, Name(workload)}}},
                      {"ownerReferences", json::array({owner})}}},
                    {"data", {{kKey, document}}}};
  kube::Client::Answer answer = client_.Create(maps, map);
  if (!answer.ok() && answer.failure().conflict()) {
    answer = client_.PatchObject(maps, name, kube::Patch::kMerge, map);
  }
  if (answer.ok()) {
    writes_.Add();
    return true;
  }
  failures_.Add();
  spdlog::warn("config of {}: {}", workload, answer.failure().what);
  return false;
}

void ConfigMapWriter::Sweep(const Input& input) {
  const kube::Client::Answer list =
      client_.List({"v1", "configmaps", "", std::string(kManagedBy) + "=" + kOperator});
  if (!list.ok()) return;
  swept_at_ = steady_clock::now();
  for (const json& map : list->value("items", json::array())) {
    const json metadata = map.value("metadata", json::object());
    const std::string ns = metadata.value("namespace", "");
    const json annotations = metadata.value("annotations", json::object());
    if (ns == ns_ || !annotations.contains(kWorkload)) continue;  // the trust bundle, for one
    const std::string workload = ns + "/" + annotations[kWorkload].get<std::string>();
    if (input.workloads.contains(workload)) {
      gone_since_.erase(workload);
      continue;
    }
    const auto [gone, is_new] = gone_since_.try_emplace(workload, steady_clock::now());
    if (steady_clock::now() - gone->second < kGone) continue;
    if (client_.Delete({"v1", "configmaps", ns}, ConfigMapName(workload)).ok()) {
      gone_since_.erase(workload);
      written_.erase(workload);
    }
  }
}

}  // namespace tulle::control::status
