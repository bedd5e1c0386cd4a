#pragma once

#include <memory>
#include <vector>

#include "sidecar/access/access.h"
#include "sidecar/protect/rate.h"

namespace tulle::sidecar::access {

// What the rate limits say of one request.
struct Rated {
  const meshconfig::RateLimit* refused = nullptr;  // the limit that it is one too many for
  const meshconfig::RateLimit* shadow = nullptr;   // likewise, if that one did more than count
  protect::Grant grant;                            // of `refused`
};

// The rate limits of one workload, and how much each has been used on one worker.
class Rates {
 public:
  // Takes over newer limits; those that did not change keep their counts. Each of so many workers grants an
  // equal part.
  void Adopt(const std::vector<meshconfig::RateLimit>& limits, int64_t workers);

  // Asks the limits that the request falls under, in order; none of those behind a refusal is used up. Valid
  // until Adopt.
  Rated Take(const Call& call, protect::TimePoint now);

 private:
  struct Limit {
    Limit(const meshconfig::RateLimit& limit, int64_t workers);
    bool Concerns(const Call& call) const;
    std::string_view KeyOf(const Call& call) const;

    meshconfig::RateLimit config;
    std::vector<Target> to;
    protect::Buckets buckets;
  };
  std::vector<std::unique_ptr<Limit>> limits_;
};

}  // namespace tulle::sidecar::access
