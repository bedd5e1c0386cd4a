#pragma once

#include <map>
#include <string>
#include <vector>

#include "operator/compile/compile.h"
#include "operator/distribute/peer.h"
#include "operator/model/model.h"
#include "operator/status/parents.h"

namespace tulle::control::status {

// An injected pod, as far as Live and the ConfigMaps look at it.
struct InjectedPod {
  std::string key;
  std::string workload;   // "shop/web"
  bool expected = false;  // its sidecar has started and is not going away: it should be connected
};

struct Replica {
  std::string name;  // of its pod
  std::string ip;
  bool ready = true;
};

// What the leader needs of the model, taken at one moment.
struct View {
  compile::Snapshot compiled;
  std::vector<InjectedPod> pods;
  std::map<std::string, model::Meta> customs;  // by Meta::Text, with the conditions that the API server has
  std::map<std::string, Route> routes;         // of the Gateway API, by Meta::Text
  std::vector<Replica> replicas;               // of the operator
};

// `ns` is the operator's own namespace, where the slices of its Service name the replicas.
View MakeView(const model::Model& model, compile::Snapshot compiled, const std::string& ns);

}  // namespace tulle::control::status
