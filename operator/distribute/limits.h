#pragma once

#include <chrono>
#include <cstddef>

// Bounds of what sidecars and strangers can make the config port do.
namespace tulle::control::distribute {

inline constexpr size_t kMaxConnections = 30000;
inline constexpr size_t kMaxRequestBodyBytes = 64 << 10;
inline constexpr size_t kMaxSubscriptions = 20000;  // names of one sidecar
inline constexpr size_t kMaxNameBytes = 1024;
inline constexpr size_t kMaxVersionBytes = 64;
// An update is cut here and goes on after its ack; well below kMaxMessageBytes, so that one more resource
// fits.
inline constexpr size_t kUpdateBytes = 8 << 20;

inline constexpr std::chrono::seconds kHandshakeTimeout{10};
inline constexpr std::chrono::seconds kRequestTimeout{10};
inline constexpr std::chrono::seconds kHelloTimeout{10};
inline constexpr std::chrono::seconds kWriteTimeout{15};
inline constexpr std::chrono::seconds kAckTimeout{30};
inline constexpr std::chrono::seconds kHeartbeatInterval{5};

}  // namespace tulle::control::distribute
