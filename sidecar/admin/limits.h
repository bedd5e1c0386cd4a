#pragma once

#include <chrono>
#include <cstddef>

// Bounds of the small HTTP servers, whose clients need prove nothing, and of the app's answers to probes.
namespace tulle::sidecar::admin {

// Connections of one port. One more pushes out the oldest that has not asked, so that kubelet and scraper
// always get through.
inline constexpr size_t kMaxClients = 64;
// From the connection to the end of the head of its one request.
inline constexpr auto kHeadTime = std::chrono::seconds(2);
inline constexpr size_t kMaxRequestBytes = 8 << 10;
// For a client to take its answer, and then our end of the connection.
inline constexpr auto kReplyTime = std::chrono::seconds(10);
inline constexpr auto kLinger = std::chrono::seconds(1);
inline constexpr size_t kLingerBytes = 64 << 10;
// Without descriptors: until it is tried again.
inline constexpr auto kNoDescriptorPause = std::chrono::milliseconds(20);

// Of what an app answers to a probe; a kubelet reads no more either. And interim responses before it.
inline constexpr size_t kMaxContentBytes = 10 << 10;
inline constexpr int kMaxInterims = 64;

}  // namespace tulle::sidecar::admin
