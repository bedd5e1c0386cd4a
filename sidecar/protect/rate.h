#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "sidecar/protect/limits.h"
#include "sidecar/protect/window.h"

namespace tulle::sidecar::protect {

// So many requests in that time, and `burst` of them at once.
struct Rate {
  int64_t requests = 1;
  Duration per = std::chrono::seconds(1);
  int64_t burst = 1;

  bool operator==(const Rate&) const = default;
  // What each request costs in time.
  Duration interval() const { return per / requests; }
};

// What became of one request.
struct Grant {
  bool granted = true;
  int64_t remaining = 0;  // requests that would be granted at once
  Duration wait{};        // of a refused one: until one is granted
  Duration until_full{};  // until `burst` of them are
};

// A token bucket that is one number: when it will be full again.
class Bucket {
 public:
  Grant Take(const Rate& rate, TimePoint now);
  bool full(TimePoint now) const { return full_at_ <= now; }

 private:
  TimePoint full_at_{};
};

// A bucket for each key, as long as there are not too many. A full bucket says nothing and is forgotten for a
// new key; where none of the oldest is full, new keys share one bucket, so that inventing keys buys nothing.
class Buckets {
 public:
  explicit Buckets(Rate rate, size_t most_keys = kMaxRateKeys) : rate_(rate), most_keys_(most_keys) {}
  Buckets(const Buckets&) = delete;

  const Rate& rate() const { return rate_; }
  Grant Take(std::string_view key, TimePoint now) {
    return Of(key.substr(0, kMaxRateKeyBytes), now).Take(rate_, now);
  }
  size_t keys() const { return entries_.size(); }

 private:
  struct Entry {
    std::string key;
    Bucket bucket;
  };
  Bucket& Of(std::string_view key, TimePoint now);

  Rate rate_;
  size_t most_keys_;
  std::list<Entry> entries_;  // the one used last is first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_key_;
  Bucket overflow_;
};

}  // namespace tulle::sidecar::protect
