#include "sidecar/route/router.h"

#include <array>
#include <cmath>

#include "sidecar/route/edit.h"

namespace tulle::sidecar::route {
namespace {

constexpr uint64_t kFnvBasis = 14695981039346656037U;

// FNV-1a, then mixed so that every bit of the input reaches every bit of the result.
uint64_t Hash(std::string_view text, uint64_t seed) {
  uint64_t hash = seed;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  hash ^= hash >> 33;
  hash *= 0xff51afd7ed558ccdU;
  hash ^= hash >> 33;
  hash *= 0xc4ceb9fe1a85ec53U;
  return hash ^ hash >> 33;
}

// A value for a client that brought none.
std::string CookieFor(uint64_t random) {
  std::string value;
  for (int i = 0; i < 16; ++i) value += "0123456789abcdef"[random >> (4 * i) & 15];
  return value;
}

Edits CompileBoth(const std::optional<meshconfig::HeaderEdits>& request,
                  const std::optional<meshconfig::HeaderEdits>& response) {
  Edits edits;
  if (request) edits.request = CompileEdits(*request);
  if (response) edits.response = CompileEdits(*response);
  return edits;
}

}  // namespace

Rule::Rule(const meshconfig::RouteRule& rule)
    : config_(rule), edits_(CompileBoth(rule.request_headers, rule.response_headers)) {
  for (const meshconfig::RequestMatch& match : rule.matches) matches_.emplace_back(match);
  for (const meshconfig::WeightedBackend& backend : rule.backends) {
    total_weight_ += static_cast<uint64_t>(backend.weight);
    backend_edits_.push_back(CompileBoth(backend.request_headers, backend.response_headers));
  }
}

std::optional<std::string_view> Rule::Find(const RequestView& request) const {
  if (matches_.empty()) return "/";
  for (const Match& match : matches_) {
    if (match.Matches(request)) return match.prefix();
  }
  return std::nullopt;
}

std::optional<size_t> Rule::PickBackend(uint64_t random) const {
  if (total_weight_ == 0) return std::nullopt;
  uint64_t point = static_cast<uint64_t>((static_cast<unsigned __int128>(random) * total_weight_) >> 64);
  for (size_t i = 0; i < config_.backends.size(); ++i) {
    const auto weight = static_cast<uint64_t>(config_.backends[i].weight);
    if (point < weight) return i;
    point -= weight;
  }
  return std::nullopt;
}

std::optional<size_t> Rule::PickSticky(std::string_view value) const {
  std::optional<size_t> best;
  double best_score = 0;
  const uint64_t seed = Hash(value, kFnvBasis);
  for (size_t i = 0; i < config_.backends.size(); ++i) {
    const meshconfig::WeightedBackend& backend = config_.backends[i];
    if (backend.weight == 0) continue;
    // Uniform in (0, 1).
    const double share = (static_cast<double>(Hash(backend.endpoints, seed) >> 11) + 0.5) / (1ULL << 53);
    const double score = static_cast<double>(backend.weight) / -std::log(share);
    if (!best || score > best_score) {
      best = i;
      best_score = score;
    }
  }
  return best;
}

Decision Decide(const std::vector<Rule>& rules, const RequestView& request, uint64_t random) {
  for (const Rule& rule : rules) {
    const auto prefix = rule.Find(request);
    if (!prefix) continue;
    Decision decision{&rule, *prefix, std::nullopt, {}};
    const auto& sticky = rule.config().sticky;
    if (!sticky || request.head == nullptr) {
      decision.index = rule.PickBackend(random);
      return decision;
    }
    std::optional<std::string_view> value;
    if (sticky->cookie) value = Cookie(*request.head, *sticky->cookie);
    if (sticky->header) {
      if (const http::Header* header = request.head->Find(*sticky->header)) value = header->value;
    }
    if (!value && sticky->cookie) value = decision.stuck_by = CookieFor(random);
    decision.index = value ? rule.PickSticky(*value) : rule.PickBackend(random);
    return decision;
  }
  return {};
}

}  // namespace tulle::sidecar::route
