#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/meshconfig/types.h"
#include "operator/model/model.h"

namespace tulle::control::compile {

struct Settings {
  std::string trust_domain;
  std::string trust_bundle;  // PEM
};

// One resource and the names of those that a sidecar needs together with it.
struct Entry {
  meshconfig::Resource resource;
  std::vector<std::string> refers_to;
};

// What became of one custom resource, or of a route of the Gateway API at one of its parents: the material of
// its conditions. Live is added by operator/status, which knows who runs the versions of `shaped`.
struct Verdict {
  model::Meta meta;
  std::optional<model::ParentRef> parent = {};  // of a route of the Gateway API
  bool accepted = true;
  std::string accepted_reason;
  std::string accepted_message;
  bool resolved = true;
  std::string resolved_reason;
  std::string resolved_message;
  bool in_force = true;             // false: nothing of this generation reaches a sidecar
  std::vector<std::string> shaped;  // resources whose content it had a part in
};

// Everything that sidecars can ask for, by resource name, and the verdicts on every custom resource. Never
// changed after it was made, so that all threads may read it.
struct Compiled {
  std::map<std::string, Entry> entries;
  std::vector<Verdict> verdicts;
};
using Snapshot = std::shared_ptr<const Compiled>;

// Pure: equal arguments give equal results, to the byte.
Compiled Compile(const model::Model& model, const Settings& settings);

}  // namespace tulle::control::compile
