#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <thread>

#include "lib/telemetry/registry.h"
#include "operator/compile/compile.h"
#include "operator/model/model.h"
#include "operator/watch/inbox.h"

namespace tulle::control::app {

// Owns the model: takes changes from the inbox, applies them, compiles, and hands the result on. One thread
// of its own; callbacks come from it. Nothing is handed on before the registry has told everything once.
class Publisher {
 public:
  struct Callbacks {
    // There is a new compilation.
    std::function<void(compile::Snapshot)> on_compiled;
    // The model changed in any way, its status included; the compilation belongs to it.
    std::function<void(const model::Model&, const compile::Snapshot&)> on_model;
  };
  Publisher(watch::Inbox& inbox, compile::Settings settings, Callbacks callbacks,
            telemetry::Registry& metrics);
  ~Publisher();

  void Start();
  bool published() const { return published_; }

 private:
  void Run();
  // The strongest effect of all changes.
  model::Effect Apply(std::vector<watch::Change> changes);

  watch::Inbox& inbox_;
  const compile::Settings settings_;
  const Callbacks callbacks_;
  telemetry::Histogram& compile_seconds_;
  telemetry::Gauge& resources_;
  telemetry::Gauge& objects_;
  model::Model model_;
  compile::Snapshot snapshot_;
  std::atomic<bool> published_ = false;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace tulle::control::app
