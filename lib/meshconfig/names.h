#pragma once

#include <string>
#include <string_view>

// Names of mesh-config resources, and the SPIFFE ids in them. See types.h for what each resource is.
namespace tulle::meshconfig {

inline constexpr std::string_view kMeshName = "mesh";

enum class Kind { kMesh, kWorkload, kAddress, kService, kEndpoints, kUnknown };

// The kind that a resource name announces by its first segment.
Kind KindOf(std::string_view resource_name);

inline std::string WorkloadName(std::string_view qualified) { return "workload/" + std::string(qualified); }
inline std::string AddressName(std::string_view ip) { return "address/" + std::string(ip); }
inline std::string ServiceName(std::string_view qualified) { return "service/" + std::string(qualified); }
inline std::string EndpointsName(std::string_view qualified) { return "endpoints/" + std::string(qualified); }

// "<kind>/rest" -> "rest"; the whole name where there is no slash.
std::string_view WithoutKind(std::string_view resource_name);

}  // namespace tulle::meshconfig
