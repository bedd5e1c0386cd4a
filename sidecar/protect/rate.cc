#include "sidecar/protect/rate.h"

#include <algorithm>

namespace tulle::sidecar::protect {

Grant Bucket::Take(const Rate& rate, TimePoint now) {
  const Duration interval = rate.interval();
  const Duration capacity = interval * rate.burst;
  const Duration missing = std::max(full_at_ - now, Duration::zero());
  Grant grant;
  grant.granted = missing + interval <= capacity;
  if (grant.granted) {
    full_at_ = now + missing + interval;
  } else {
    grant.wait = missing + interval - capacity;
  }
  grant.until_full = std::max(full_at_ - now, Duration::zero());
  grant.remaining = (capacity - grant.until_full) / interval;
  return grant;
}

Bucket& Buckets::Of(std::string_view key, TimePoint now) {
  if (const auto known = by_key_.find(key); known != by_key_.end()) {
    entries_.splice(entries_.begin(), entries_, known->second);
    return known->second->bucket;
  }
  if (entries_.size() < most_keys_) {
    entries_.emplace_front();
  } else if (entries_.back().bucket.full(now)) {
    by_key_.erase(entries_.back().key);
    entries_.splice(entries_.begin(), entries_, std::prev(entries_.end()));
  } else {
    return overflow_;
  }
  Entry& entry = entries_.front();
  entry.key = key;
  entry.bucket = {};
  by_key_.emplace(entry.key, entries_.begin());
  return entry.bucket;
}

}  // namespace tulle::sidecar::protect
