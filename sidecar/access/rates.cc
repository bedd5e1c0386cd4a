#include "sidecar/access/rates.h"

#include <algorithm>

namespace tulle::sidecar::access {
namespace {

protect::Rate PartOf(const meshconfig::RateLimit& limit, int64_t workers) {
  return {limit.requests, limit.per * workers, std::max<int64_t>(limit.burst / workers, 1)};
}

}  // namespace

Rates::Limit::Limit(const meshconfig::RateLimit& limit, int64_t workers)
    : config(limit), to(limit.to.begin(), limit.to.end()), buckets(PartOf(limit, workers)) {}

bool Rates::Limit::Concerns(const Call& call) const {
  return to.empty() ||
         std::any_of(to.begin(), to.end(), [&](const Target& target) { return target.MayInclude(call); });
}

std::string_view Rates::Limit::KeyOf(const Call& call) const {
  switch (config.by) {
    case meshconfig::RateKey::kEveryone:
      break;
    case meshconfig::RateKey::kIdentity:
      return call.caller != nullptr ? std::string_view(call.caller->text) : std::string_view();
    case meshconfig::RateKey::kHeader: {
      const http::Header* header = call.head->Find(config.header);
      return header != nullptr ? header->value : std::string_view();
    }
  }
  return {};
}

void Rates::Adopt(const std::vector<meshconfig::RateLimit>& limits, int64_t workers) {
  std::vector<std::unique_ptr<Limit>> adopted;
  for (const meshconfig::RateLimit& limit : limits) {
    const auto same = std::find_if(limits_.begin(), limits_.end(), [&](const auto& known) {
      return known != nullptr && known->config == limit;
    });
    adopted.push_back(same != limits_.end() ? std::move(*same) : std::make_unique<Limit>(limit, workers));
  }
  limits_ = std::move(adopted);
}

Rated Rates::Take(const Call& call, protect::TimePoint now) {
  Rated rated;
  for (const auto& limit : limits_) {
    if (!limit->Concerns(call)) continue;
    const protect::Grant grant = limit->buckets.Take(limit->KeyOf(call), now);
    if (grant.granted) continue;
    if (limit->config.mode == meshconfig::Mode::kEnforce) {
      rated.refused = &limit->config;
      rated.grant = grant;
      break;
    }
    if (rated.shadow == nullptr) rated.shadow = &limit->config;
  }
  return rated;
}

}  // namespace tulle::sidecar::access
