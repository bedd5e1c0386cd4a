#include "operator/app/publisher.h"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace tulle::control::app {
namespace {

constexpr std::chrono::milliseconds kPatience{500};

}  // namespace

Publisher::Publisher(watch::Inbox& inbox, compile::Settings settings, Callbacks callbacks,
                     telemetry::Registry& metrics)
    : inbox_(inbox),
      settings_(std::move(settings)),
      callbacks_(std::move(callbacks)),
      compile_seconds_(metrics.GetHistogram("tulle_operator_compile_seconds", "Time of one compilation.")),
      resources_(metrics.GetGauge("tulle_operator_resources", "Mesh-config resources now.")),
      objects_(metrics.GetGauge("tulle_operator_objects", "Cluster objects in the model.")) {}

Publisher::~Publisher() {
  stop_ = true;
  inbox_.Close();
  if (thread_.joinable()) thread_.join();
}

void Publisher::Start() {
  thread_ = std::thread([this] { Run(); });
}

void Publisher::Run() {
  // Changes that came before the registry was read once are applied, but not yet compiled.
  model::Effect pending = model::Effect::kConfig;
  while (!stop_) {
    pending = std::max(pending, Apply(inbox_.Take(kPatience)));
    if (pending == model::Effect::kNone || !inbox_.synced() || stop_) continue;
    if (pending == model::Effect::kConfig) {
      const auto began = std::chrono::steady_clock::now();
      snapshot_ = std::make_shared<const compile::Compiled>(compile::Compile(model_, settings_));
      compile_seconds_.Observe(std::chrono::steady_clock::now() - began);
      resources_.Set(static_cast<double>(snapshot_->entries.size()));
      objects_.Set(static_cast<double>(model_.size()));
      callbacks_.on_compiled(snapshot_);
      if (!published_.exchange(true)) {
        spdlog::info("registry read: {} objects make {} resources", model_.size(), snapshot_->entries.size());
      }
    }
    if (callbacks_.on_model) callbacks_.on_model(model_, snapshot_);
    pending = model::Effect::kNone;
  }
}

model::Effect Publisher::Apply(std::vector<watch::Change> changes) {
  model::Effect strongest = model::Effect::kNone;
  for (watch::Change& change : changes) {
    const model::Effect effect =
        change.object ? model_.Put(std::move(*change.object)) : model_.Remove(change.kind, change.key);
    strongest = std::max(strongest, effect);
  }
  return strongest;
}

}  // namespace tulle::control::app
