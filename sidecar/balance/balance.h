#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "lib/meshconfig/types.h"

// Which endpoint of several takes a request. Pure: loads and random numbers are arguments.
namespace tulle::sidecar::balance {

// What a balancer knows of one endpoint at the moment of the pick.
struct Load {
  uint32_t active = 0;  // requests or connections in flight from here
  bool avoid =
      false;  // failed a moment ago, or tried already for this request: taken only when all are to be avoided
};

// The state of one round robin; starts anywhere.
struct Cursor {
  uint32_t next = 0;
};

// The index of the endpoint to use; nothing only when `loads` is empty. `random` is uniform over 64 bits.
// Least request takes the less loaded of two picked at random, which needs no scan of all and does not herd.
std::optional<size_t> Pick(meshconfig::LoadBalancing policy, std::span<const Load> loads, Cursor& cursor,
                           uint64_t random);

}  // namespace tulle::sidecar::balance
