#pragma once

#include <array>
#include <string_view>
#include <tuple>

#include "lib/resources/types.h"

// The kinds of tulle.dev/v1alpha1. Parser, CRDs, reference page and RBAC checks read the same table; a new
// kind is one struct in types.h and one entry here.
namespace tulle::resources {

inline constexpr std::string_view kGroup = "tulle.dev";
inline constexpr std::string_view kVersion = "v1alpha1";
inline constexpr std::string_view kApiVersion = "tulle.dev/v1alpha1";

// A column of `kubectl get`, after the name.
struct Column {
  const char* name;
  const char* type;
  const char* json_path;
};

template <class Spec>
struct KindOf {
  using SpecType = Spec;
  const char* kind;
  const char* plural;
  const char* singular;
  std::array<const char*, 2> short_names;  // the second may be null
  std::array<Column, 2> columns;           // those before Accepted, Live and Age; the second may be null
};

inline constexpr Column kServiceColumn = {"Service", "string", ".spec.service"};

inline constexpr auto kKinds = std::tuple{
    KindOf<Route>{"Route", "routes", "route", {"troute", nullptr}, {kServiceColumn, {}}},
    KindOf<Split>{"Split", "splits", "split", {"tsplit", nullptr}, {kServiceColumn, {}}},
    KindOf<TrafficPolicy>{
        "TrafficPolicy", "trafficpolicies", "trafficpolicy", {"tp", nullptr}, {kServiceColumn, {}}},
    KindOf<AccessPolicy>{"AccessPolicy",
                         "accesspolicies",
                         "accesspolicy",
                         {"ap", nullptr},
                         {{{"mTLS", "string", ".spec.mtls"}, {}}}},
};

// Calls `visit` with each entry of kKinds.
template <class Visit>
constexpr void ForEachKind(Visit&& visit) {
  std::apply([&](const auto&... kinds) { (visit(kinds), ...); }, kKinds);
}

}  // namespace tulle::resources
