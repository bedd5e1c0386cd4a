#include "operator/model/objects.h"

#include <tuple>

namespace tulle::control::model {

bool Matches(const Labels& selector, const Labels& labels) {
  for (const auto& [key, value] : selector) {
    const auto found = labels.find(key);
    if (found == labels.end() || found->second != value) return false;
  }
  return true;
}

const char* KindName(CustomKind kind) {
  switch (kind) {
    case CustomKind::kRoute:
      return "Route";
    case CustomKind::kSplit:
      return "Split";
    case CustomKind::kTrafficPolicy:
      return "TrafficPolicy";
    case CustomKind::kAccessPolicy:
      return "AccessPolicy";
    case CustomKind::kHttpRoute:
      return "HTTPRoute";
    case CustomKind::kGrpcRoute:
      return "GRPCRoute";
  }
  return "?";
}

bool Precedes(const Meta& a, const Meta& b) {
  return std::tie(a.created, a.ns, a.name) < std::tie(b.created, b.ns, b.name);
}

}  // namespace tulle::control::model
