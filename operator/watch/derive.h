#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "operator/model/model.h"
#include "operator/watch/field.h"

namespace tulle::control::watch {

// What a Service of a directory says beyond the model, because there is no Kubernetes to follow its selector.
struct Selection {
  model::Service service;
  model::Labels selector;
  struct Target {
    std::string service_port_name;
    int64_t port = 0;  // of the pod; 0 where `name` says it
    std::string name;
  };
  std::vector<Target> targets;
};

Selection ReadSelection(const model::Service& service, const nlohmann::json& object);

// The endpoints of the Service: every pod of its namespace that carries the selector and has an address, one
// slice a pod. `pods` is by key; `ready` says by pod key whether the pod is ready. Nothing for a Service
// without selector.
std::vector<model::EndpointSlice> DeriveSlices(const Selection& selection,
                                               const std::map<std::string, model::Pod>& pods,
                                               const std::map<std::string, bool>& ready);

// Whether a pod says that it is ready; one without conditions is.
bool ReadReady(const nlohmann::json& pod);

}  // namespace tulle::control::watch
