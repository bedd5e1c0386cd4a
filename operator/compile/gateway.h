#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "lib/meshconfig/types.h"
#include "operator/compile/compile.h"
#include "operator/model/model.h"

namespace tulle::control::compile {

// What the Gateway API says about one port of a Service. Routes of the Service's own namespace (producer
// routes) are for everybody; routes of another namespace (consumer routes) are for callers from there, who
// then hear nothing of the producer's. Both lists end with what becomes of requests that none of the rules
// takes.
struct GatewayRules {
  std::vector<meshconfig::RouteRule> consumers;
  std::vector<meshconfig::RouteRule> producers;
  std::string decided_by;  // a producer route: "HTTPRoute shop/web"; empty where there is none
};

// The routes of the Gateway API whose parents are Services. Rules of several routes stand in the order of the
// API: the most specific match first, then the older route. Where HTTPRoutes and GRPCRoutes are for the same
// port, the GRPCRoutes are obeyed (GEP-1426).
struct Gateway {
  std::map<std::pair<std::string, int64_t>, GatewayRules> ports;  // by Service key and port
  std::vector<Verdict> verdicts;                                  // one for each parent that is a Service
};

Gateway CompileGateway(const model::Model& model);

}  // namespace tulle::control::compile
