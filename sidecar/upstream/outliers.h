#pragma once

#include <memory>
#include <span>

#include "sidecar/upstream/host.h"

namespace tulle::sidecar::upstream {

// What a detector found, and whether it had a consequence: none in shadow mode, or when too many are away.
struct Verdict {
  protect::Cause cause = protect::Cause::kNone;
  bool ejected = false;
};

// Takes the result of an attempt into account, and ejects `host`, one of `hosts`, where a detector of
// `policy` says so. `random` is uniform.
Verdict Report(std::span<const std::shared_ptr<Host>> hosts, Host& host, protect::Result result,
               const meshconfig::OutlierDetection& policy, io::TimePoint now, uint32_t random);

}  // namespace tulle::sidecar::upstream
