#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/http/head.h"
#include "lib/meshconfig/types.h"
#include "sidecar/route/pattern.h"

// Which rule a request falls under and which backend of it takes the request. Pure: values in, values out;
// the random number is an argument.
namespace tulle::sidecar::route {

// What of a connection or request rules may look at. A connection that is not HTTP has no head.
struct RequestView {
  const http::RequestHead* head = nullptr;
};

class Match {
 public:
  explicit Match(const meshconfig::RequestMatch& match);
  bool Matches(const RequestView& request) const;

 private:
  struct HeaderTest {
    std::string name;
    std::optional<std::string> exact;
    std::optional<ValuePattern> regex;
  };
  std::optional<PathPattern> path_;
  std::optional<std::string> method_;
  std::vector<HeaderTest> headers_;
};

// One rule of a port, ready to be asked. Immutable.
class Rule {
 public:
  explicit Rule(const meshconfig::RouteRule& rule);

  bool Matches(const RequestView& request) const;
  const meshconfig::RouteRule& config() const { return config_; }
  // The index of the backend whose share `random` (uniform over 64 bits) falls into; nothing when all weights
  // are 0.
  std::optional<size_t> PickBackend(uint64_t random) const;

 private:
  meshconfig::RouteRule config_;
  std::vector<Match> matches_;
  uint64_t total_weight_ = 0;
};

// Why a request goes where it goes. Pointers live as long as the rules.
struct Decision {
  const Rule* rule = nullptr;                            // null: no rule matched
  const meshconfig::WeightedBackend* backend = nullptr;  // null: the rule has no backend with a weight
};

// The first rule that matches decides.
Decision Decide(const std::vector<Rule>& rules, const RequestView& request, uint64_t random);

}  // namespace tulle::sidecar::route
