#include "operator/status/leader.h"

#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>

#include "lib/json/print.h"
#include "lib/kube/lease.h"

namespace tulle::control::status {
namespace {

using nlohmann::json;
using std::chrono::steady_clock;

const char* Plural(model::CustomKind kind) {
  switch (kind) {
    case model::CustomKind::kRoute:
      return "routes";
    case model::CustomKind::kSplit:
      return "splits";
    case model::CustomKind::kTrafficPolicy:
      return "trafficpolicies";
    case model::CustomKind::kAccessPolicy:
      return "accesspolicies";
    case model::CustomKind::kHttpRoute:
      return "httproutes";
    case model::CustomKind::kGrpcRoute:
      return "grpcroutes";
  }
  return "";
}

int64_t ObservedGeneration(const std::vector<model::Condition>& conditions) {
  for (const model::Condition& condition : conditions) {
    if (condition.type == "Live") return condition.observed_generation;
  }
  return 0;
}

}  // namespace

Leader::Leader(kube::Client& client, Peers& peers, ConfigMapWriter& config_maps, Sources sources,
               telemetry::Registry& metrics)
    : client_(client),
      peers_(peers),
      config_maps_(config_maps),
      sources_(std::move(sources)),
      writes_(metrics.GetCounter("tulle_operator_status_writes_total", "Conditions written.")),
      failures_(metrics.GetCounter("tulle_operator_status_write_failures_total", "Conditions not written.")) {
}

Leader::~Leader() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
}

void Leader::Start() {
  thread_ = std::jthread([this](std::stop_token stop) { Run(std::move(stop)); });
}

void Leader::SetView(View view) {
  const std::lock_guard lock(mutex_);
  view_ = std::make_shared<const View>(std::move(view));
  woken_ = true;
  changed_.notify_all();
}

void Leader::Announce(const model::Meta& meta) {
  if (ObservedGeneration(meta.conditions) >= meta.generation) return;
  const std::lock_guard lock(mutex_);
  announced_[meta.Text()] = meta;
  woken_ = true;
  changed_.notify_all();
}

void Leader::Wake() {
  const std::lock_guard lock(mutex_);
  woken_ = true;
  changed_.notify_all();
}

void Leader::Run(std::stop_token stop) {
  bool pending = false;
  while (!stop.stop_requested()) {
    std::shared_ptr<const View> view;
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, stop, pending ? kFast : kSlow, [&] { return woken_; });
      woken_ = false;
      view = view_;
    }
    if (stop.stop_requested()) return;
    if (!sources_.leading()) {
      standings_.clear();
      written_.clear();
      patched_.clear();
      config_maps_.Forget();
      const std::lock_guard lock(mutex_);
      announced_.clear();
      pending = false;
      continue;
    }
    WithdrawAnnounced();
    if (view != nullptr) pending = Look(*view, stop);
  }
}

void Leader::WithdrawAnnounced() {
  std::map<std::string, model::Meta> announced;
  {
    const std::lock_guard lock(mutex_);
    announced.swap(announced_);
  }
  for (const auto& [text, meta] : announced) {
    if (ObservedGeneration(Present(meta)) >= meta.generation) continue;
    Write(meta, Unseen(meta));
  }
}

// What the object's status says as far as we know: what we wrote last, until the view shows something new.
const std::vector<model::Condition>& Leader::Present(const model::Meta& meta) {
  const std::string text = meta.Text();
  const auto written = written_.find(text);
  if (written == written_.end()) return meta.conditions;
  if (meta.conditions != shown_[text]) {
    written_.erase(written);
    return meta.conditions;
  }
  return written->second;
}

bool Leader::Write(const model::Meta& meta, std::vector<model::Condition> wanted) {
  const auto changed =
      Changed(Present(meta), std::move(wanted), kube::Rfc3339(std::chrono::system_clock::now()));
  if (!changed) return true;
  const kube::Collection collection{"tulle.dev/v1alpha1", Plural(meta.kind), meta.ns};
  const json patch = {
      {"status", {{"observedGeneration", meta.generation}, {"conditions", ToJson(*changed)}}}};
  const kube::Client::Answer answer =
      client_.PatchObject(collection, meta.name, kube::Patch::kMerge, patch, "status");
  if (!answer.ok()) {
    if (answer.failure().not_found()) return true;  // it was deleted meanwhile
    failures_.Add();
    spdlog::warn("status of {}: {}", meta.Text(), answer.failure().what);
    return false;
  }
  writes_.Add();
  shown_[meta.Text()] = meta.conditions;
  written_[meta.Text()] = *changed;
  return true;
}

bool Leader::Write(const Route& route, std::vector<ParentConditions> wanted) {
  const auto patch =
      PatchOfParents(route, std::move(wanted), kube::Rfc3339(std::chrono::system_clock::now()));
  if (!patch) return true;
  const std::string text = route.meta.Text();
  // The view does not show yet what we have written, or what another wrote before us; when it does, we are
  // woken.
  if (patched_[text] == route.resource_version) return true;
  const kube::Collection collection{"gateway.networking.k8s.io/v1", Plural(route.meta.kind), route.meta.ns};
  const kube::Client::Answer answer =
      client_.PatchObject(collection, route.meta.name, kube::Patch::kMerge, *patch, "status");
  if (answer.ok() || answer.failure().conflict()) patched_[text] = route.resource_version;
  if (answer.ok()) {
    writes_.Add();
  } else if (!answer.failure().not_found() && !answer.failure().conflict()) {
    failures_.Add();
    spdlog::warn("status of {}: {}", text, answer.failure().what);
  }
  return answer.ok() || answer.failure().not_found();
}

Leader::Reports Leader::Ask(const View& view, std::stop_token stop) {
  Reports reports = {sources_.own_report()};
  for (const Replica& replica : view.replicas) {
    if (replica.name == sources_.replica) continue;
    base::Result<distribute::ReplicaReport> report = peers_.Ask(replica, stop);
    if (report.ok()) {
      reports.push_back(std::move(*report));
    } else {
      spdlog::debug("{}", report.failure().what);
    }
  }
  return reports;
}

Live Leader::WithTolerance(const compile::Verdict& verdict, Live live, Standing& standing) {
  const auto now = steady_clock::now();
  if (standing.generation != verdict.meta.generation) standing = {verdict.meta.generation, false, now, {}};
  if (live.live) {
    standing.live = true;
    standing.good_at = now;
  } else if (standing.live && live.reason == "Pending" && now - standing.good_at < kTolerance) {
    live = {true, "Live", live.message};
  } else {
    standing.live = false;
  }
  return live;
}

std::vector<model::Condition> Leader::Wanted(const compile::Verdict& verdict, Standing& standing,
                                             const std::vector<model::Condition>& present, const View& view,
                                             const Reports& reports, bool& pending) {
  const bool was_live = standing.live && standing.generation == verdict.meta.generation;
  const Live live = WithTolerance(verdict, JudgeLive(verdict, view, reports), standing);
  pending |= !live.live && live.reason == "Pending";
  std::vector<model::Condition> wanted = Conditions(verdict, live);
  if (was_live && live.live && steady_clock::now() - standing.written_at < kRefresh) {
    // Only the numbers can be different: keep those that stand there.
    for (const model::Condition& condition : present) {
      if (condition.type == "Live" && condition.status == "True") wanted.back().message = condition.message;
    }
  } else {
    standing.written_at = steady_clock::now();
  }
  return wanted;
}

bool Leader::LookAt(const compile::Verdict& verdict, const View& view, const Reports& reports) {
  const std::string text = verdict.meta.Text();
  const auto meta = view.customs.find(text);
  if (meta == view.customs.end()) return false;
  bool pending = false;
  std::vector<model::Condition> wanted =
      Wanted(verdict, standings_[text], Present(meta->second), view, reports, pending);
  return !Write(meta->second, std::move(wanted)) || pending;
}

bool Leader::LookAt(const Route& route, const std::vector<const compile::Verdict*>& verdicts,
                    const View& view, const Reports& reports) {
  bool pending = false;
  std::vector<ParentConditions> wanted;
  for (const compile::Verdict* verdict : verdicts) {
    const std::string key = route.meta.Text() + " " + tulle::json::Print(*verdict->parent).dump();
    wanted.push_back(
        {*verdict->parent,
         Wanted(*verdict, standings_[key], route.ConditionsOf(*verdict->parent), view, reports, pending)});
  }
  return !Write(route, std::move(wanted)) || pending;
}

bool Leader::Look(const View& view, std::stop_token stop) {
  const Reports reports = Ask(view, stop);
  if (stop.stop_requested()) return false;
  config_maps_.Set(view, reports);
  bool pending = false;
  std::map<std::string, std::vector<const compile::Verdict*>> of_routes;
  for (const compile::Verdict& verdict : view.compiled->verdicts) {
    if (verdict.parent) {
      of_routes[verdict.meta.Text()].push_back(&verdict);
    } else {
      pending |= LookAt(verdict, view, reports);
    }
  }
  for (const auto& [text, route] : view.routes) pending |= LookAt(route, of_routes[text], view, reports);
  const auto gone = [&](const auto& known) {
    const std::string text = known.first.substr(0, known.first.find(" {"));
    return !view.customs.contains(text) && !view.routes.contains(text);
  };
  std::erase_if(standings_, gone);
  std::erase_if(written_, gone);
  std::erase_if(patched_, gone);
  return pending;
}

}  // namespace tulle::control::status
