#pragma once

#include <string>
#include <vector>

#include "operator/compile/compile.h"
#include "operator/distribute/peer.h"
#include "operator/status/view.h"

namespace tulle::control::status {

// Whether what an object says is what every sidecar does.
struct Live {
  bool live = false;
  std::string reason;   // "Live", "Pending", "Rejected", "NotInForce"
  std::string message;  // "41/42, pod shop/web-1: not connected"

  bool operator==(const Live&) const = default;
};

// Pure. `reports` are those of all replicas that answered. Live means: every replica has compiled this
// generation, every connected sidecar that holds (or is just being sent) a resource that the object shaped
// has exactly the version of `view`, and every pod whose sidecar should be connected is. A replica that is
// not ready serves no streams and is not waited for.
Live JudgeLive(const compile::Verdict& verdict, const View& view,
               const std::vector<distribute::ReplicaReport>& reports);

}  // namespace tulle::control::status
