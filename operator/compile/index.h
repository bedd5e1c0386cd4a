#pragma once

#include <map>
#include <string>
#include <vector>

#include "lib/meshconfig/types.h"
#include "operator/model/model.h"

namespace tulle::control::compile {

// An endpoint of a Service together with its pod (null when it is none or not known), whose labels make it
// part of a version.
struct ServiceEndpoint {
  meshconfig::Endpoint endpoint;
  const model::Pod* pod = nullptr;
};

// What compile looks up more than once, made in one pass over the model and valid as long as it. Lists of
// custom resources are in the order of model::Precedes and hold only those with a spec.
struct Index {
  Index(const model::Model& model, const std::string& trust_domain);

  const model::Model& model;
  std::string trust_domain;
  std::map<std::string, std::vector<ServiceEndpoint>> endpoints;                     // by Service key
  std::map<std::string, std::vector<const model::Pod*>> workloads;                   // by namespace/workload
  std::map<std::string, std::vector<const model::Route*>> routes;                    // by Service key
  std::map<std::string, std::vector<const model::Split*>> splits;                    // by Service key
  std::map<std::string, std::vector<const model::TrafficPolicy*>> traffic_policies;  // by Service key
  std::map<std::string, std::vector<const model::AccessPolicy*>> access_policies;    // by namespace
};

// The SPIFFE id that the pod's sidecar proves; empty for a pod outside the mesh.
std::string IdentityOf(const model::Pod& pod, const std::string& trust_domain);

// Endpoints for a caller: the ready ones, and where there is none those that still serve while they
// terminate.
std::vector<ServiceEndpoint> EndpointsOf(const model::Service& service,
                                         const std::vector<const model::EndpointSlice*>& slices,
                                         const std::map<std::string, model::Pod>& pods,
                                         const std::string& trust_domain);

}  // namespace tulle::control::compile
