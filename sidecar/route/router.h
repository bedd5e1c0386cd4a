#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/http/write.h"
#include "lib/meshconfig/route.h"
#include "sidecar/route/match.h"

// Which rule a request falls under and which backend of it takes the request. Pure: values in, values out;
// the random number is an argument.
namespace tulle::sidecar::route {

// Header edits of a rule or of a backend; null where it has none.
struct Edits {
  std::optional<http::HeaderEdits> request;
  std::optional<http::HeaderEdits> response;

  const http::HeaderEdits* of_request() const { return request ? &*request : nullptr; }
  const http::HeaderEdits* of_response() const { return response ? &*response : nullptr; }
};

// One rule of a port, ready to be asked. Immutable.
class Rule {
 public:
  explicit Rule(const meshconfig::RouteRule& rule);

  bool Matches(const RequestView& request) const { return Find(request).has_value(); }
  // The prefix of the alternative that the request matches ("/" where that looks at no prefix); nothing when
  // it matches none. Lives as long as the rule.
  std::optional<std::string_view> Find(const RequestView& request) const;
  const meshconfig::RouteRule& config() const { return config_; }
  const Edits& edits() const { return edits_; }
  const Edits& edits_of(size_t backend) const { return backend_edits_[backend]; }

  // The index of the backend whose share `random` (uniform over 64 bits) falls into; nothing when all weights
  // are 0.
  std::optional<size_t> PickBackend(uint64_t random) const;
  // The same for a client that `value` stands for: always the same backend, as long as its weight does not
  // shrink and no other grows (weighted rendezvous hashing).
  std::optional<size_t> PickSticky(std::string_view value) const;

 private:
  meshconfig::RouteRule config_;
  std::vector<Match> matches_;
  Edits edits_;
  std::vector<Edits> backend_edits_;
  uint64_t total_weight_ = 0;
};

// Why a request goes where it goes. Pointers live as long as the rules.
struct Decision {
  const Rule* rule = nullptr;     // null: no rule matched
  std::string_view prefix = "/";  // of the path, that the rule matched
  std::optional<size_t> index;    // of the backend; nothing: the rule has no backend with a weight
  std::string stuck_by;           // the cookie that would keep its client there, which came without one

  const meshconfig::WeightedBackend* backend() const {
    return index ? &rule->config().backends[*index] : nullptr;
  }
};

// The first rule that matches decides.
Decision Decide(const std::vector<Rule>& rules, const RequestView& request, uint64_t random);

}  // namespace tulle::sidecar::route
