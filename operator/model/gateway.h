#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/meshconfig/route.h"
#include "lib/resources/gateway.h"
#include "operator/model/objects.h"

// The Gateway API as the mesh needs it: routes whose parents are Services, and grants.
namespace tulle::control::model {

using resources::gateway::ObjectRef;
using resources::gateway::ParentRef;

// How specific a match is; the greater one is asked first. What the numbers stand for is the order of the
// Gateway API: for HTTP kind of path, its length, method, number of headers, number of parameters; for gRPC
// length of service, length of method, number of headers.
using Rank = std::array<int64_t, 5>;

struct GatewayMatch {
  meshconfig::RequestMatch match;
  Rank rank{};
};

struct GatewayBackend {
  ObjectRef to;
  int64_t weight = 1;
  std::optional<meshconfig::HeaderEdits> request_headers;
  std::optional<meshconfig::HeaderEdits> response_headers;
};

struct GatewayMirror {
  ObjectRef to;
  int64_t parts_per_million = 1000000;
};

// One rule in the words of the mesh; references are not looked up yet. `actions` has neither matches nor
// destinations.
struct GatewayRule {
  std::vector<GatewayMatch> matches;  // at least one; one without conditions matches every request
  std::vector<GatewayBackend> backends;
  std::vector<GatewayMirror> mirrors;
  meshconfig::RouteRule actions;
};

// What one controller says of one parent. `text` is the whole entry as it stands there, JSON.
struct ParentStatus {
  std::optional<ParentRef> parent;  // nothing where we cannot read it
  std::string controller;
  std::vector<Condition> conditions;
  std::string text;
  bool operator==(const ParentStatus&) const = default;
};

// An HTTPRoute or GRPCRoute; meta.kind says which. Rules are those of the last spec without problems.
struct GatewayRoute {
  Meta meta;
  std::vector<ParentRef> parents;
  std::optional<std::vector<GatewayRule>> rules;
  std::vector<ParentStatus> statuses;
  std::string resource_version;
};
struct HttpRoute : GatewayRoute {};
struct GrpcRoute : GatewayRoute {};

// Allows references from other namespaces into its own.
struct ReferenceGrant {
  struct From {
    std::string group, kind, ns;
    bool operator==(const From&) const = default;
  };
  struct To {
    std::string group, kind, name;  // an empty name means all
    bool operator==(const To&) const = default;
  };
  std::string ns;
  std::string name;
  std::vector<From> from;
  std::vector<To> to;
  bool operator==(const ReferenceGrant&) const = default;
};

}  // namespace tulle::control::model
