#pragma once

#include <string>

#include "lib/meshconfig/route.h"
#include "operator/model/model.h"

namespace tulle::control::compile {

// What is wrong with the references of a route, in the words of its ResolvedRefs condition. The reason is
// that of the first one.
struct Unresolved {
  std::string reason;
  std::string message;

  void Add(const char* why, const std::string& path, const std::string& text);
};

// Rules with their destinations looked up, each beside its matches, which have yet to be put in order.
struct ResolvedRule {
  const model::GatewayRule* rule = nullptr;
  meshconfig::RouteRule compiled;  // without matches
};

// Looks up what a rule refers to. A reference that leads nowhere is an error in its place, for its share of
// the requests, and stands in `unresolved` under `path` ("spec.rules[0]"). Another namespace must allow it by
// a ReferenceGrant, except for a Service that is a parent of the route: requests are on their way there
// already.
ResolvedRule ResolveRule(const model::Model& model, const model::GatewayRoute& route,
                         const model::GatewayRule& rule, const std::string& path, Unresolved& unresolved);

// "httproute/shop/web"
std::string RouteName(const model::GatewayRoute& route);

// "shop/web" for a reference from the route.
std::string KeyOf(const model::GatewayRoute& route, const model::ParentRef& parent);

}  // namespace tulle::control::compile
