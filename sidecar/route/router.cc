#include "sidecar/route/router.h"

namespace tulle::sidecar::route {

Match::Match(const meshconfig::RequestMatch& match) : method_(match.method) {
  if (match.path) path_.emplace(*match.path);
  for (const meshconfig::HeaderMatch& header : match.headers) {
    HeaderTest test{header.name, header.exact, std::nullopt};
    if (header.regex) test.regex.emplace(*header.regex);
    headers_.push_back(std::move(test));
  }
}

bool Match::Matches(const RequestView& request) const {
  if (request.head == nullptr) return !path_ && !method_ && headers_.empty();
  const http::RequestHead& head = *request.head;
  if (method_ && head.method != *method_) return false;
  if (path_ && !path_->Matches(head.path())) return false;
  for (const HeaderTest& test : headers_) {
    const http::Header* header = head.Find(test.name);
    if (header == nullptr) return false;
    if (test.exact ? header->value != *test.exact : !test.regex->Matches(header->value)) return false;
  }
  return true;
}

Rule::Rule(const meshconfig::RouteRule& rule) : config_(rule) {
  for (const meshconfig::RequestMatch& match : rule.matches) matches_.emplace_back(match);
  for (const meshconfig::WeightedBackend& backend : rule.backends)
    total_weight_ += static_cast<uint64_t>(backend.weight);
}

bool Rule::Matches(const RequestView& request) const {
  if (matches_.empty()) return true;
  for (const Match& match : matches_) {
    if (match.Matches(request)) return true;
  }
  return false;
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

Decision Decide(const std::vector<Rule>& rules, const RequestView& request, uint64_t random) {
  for (const Rule& rule : rules) {
    if (!rule.Matches(request)) continue;
    const auto index = rule.PickBackend(random);
    return {&rule, index ? &rule.config().backends[*index] : nullptr};
  }
  return {};
}

}  // namespace tulle::sidecar::route
