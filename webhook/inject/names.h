#pragma once

#include <cstdint>
#include <string_view>

// Names that an injected pod carries. Operator, sidecar, init program and manifests know them too.
namespace tulle::webhook::inject {

inline constexpr std::string_view kInjectLabel = "tulle.dev/inject";      // "enabled" or "disabled"
inline constexpr std::string_view kInjectedLabel = "tulle.dev/injected";  // "true", written here
inline constexpr std::string_view kWorkloadAnnotation = "tulle.dev/workload";

inline constexpr std::string_view kExcludeInboundPorts = "tulle.dev/exclude-inbound-ports";
inline constexpr std::string_view kExcludeOutboundPorts = "tulle.dev/exclude-outbound-ports";
inline constexpr std::string_view kExcludeOutboundCidrs = "tulle.dev/exclude-outbound-cidrs";

inline constexpr std::string_view kInitContainer = "tulle-init";
inline constexpr std::string_view kSidecarContainer = "tulle-sidecar";
inline constexpr std::string_view kConfigVolume = "tulle-config";
inline constexpr std::string_view kTokenVolume = "tulle-token";
inline constexpr std::string_view kStateVolume = "tulle-state";
inline constexpr std::string_view kConfigMapPrefix = "tulle-config-";

inline constexpr int64_t kProxyUid = 1337;
inline constexpr int64_t kAdminPort = 15000;
inline constexpr int64_t kOutboundPort = 15001;
inline constexpr int64_t kInboundPort = 15006;
inline constexpr int64_t kMetricsPort = 15020;
inline constexpr int64_t kProbePort = 15021;

}  // namespace tulle::webhook::inject
