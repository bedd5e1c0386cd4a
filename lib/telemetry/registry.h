#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Metrics in the Prometheus text format. A series has one writing thread (a worker keeps its own) and any
// number of readers; writing is an ordinary add without a lock or a fence. Objects live as long as their
// Registry.
namespace tulle::telemetry {

class Counter {
 public:
  void Add(uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

class Gauge {
 public:
  void Set(double value) { value_.store(value, std::memory_order_relaxed); }
  void Add(double n) { Set(value() + n); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

// Durations, in buckets from 0.5 ms to 10 s.
class Histogram {
 public:
  static constexpr std::array<double, 14> kBoundsSeconds = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                            0.1,    0.25,  0.5,    1,     2.5,  5,     10};
  void Observe(std::chrono::nanoseconds duration);
  uint64_t count() const;
  uint64_t bucket(size_t index) const {
    return buckets_[index].value();
  }  // not cumulative; the last one is +Inf
  double sum_seconds() const { return static_cast<double>(sum_ns_.value()) / 1e9; }

 private:
  std::array<Counter, kBoundsSeconds.size() + 1> buckets_;
  Counter sum_ns_;
};

using Labels = std::vector<std::pair<std::string, std::string>>;

// Owns all series of a process. Looking a series up takes a lock: do it once and keep the reference. Beyond
// kMaxSeriesPerFamily a family gives out one shared series whose label values are all "overflow".
class Registry {
 public:
  static constexpr size_t kMaxSeriesPerFamily = 2000;

  Counter& GetCounter(std::string_view name, std::string_view help, const Labels& labels = {});
  Gauge& GetGauge(std::string_view name, std::string_view help, const Labels& labels = {});
  Histogram& GetHistogram(std::string_view name, std::string_view help, const Labels& labels = {});

  // Any thread.
  std::string Scrape() const;

 private:
  enum class Type { kCounter, kGauge, kHistogram };
  struct Family {
    std::string help;
    Type type;
    std::map<std::string, size_t> series;  // label text -> index
    std::deque<Counter> counters;
    std::deque<Gauge> gauges;
    std::deque<Histogram> histograms;
  };
  Family& FamilyOf(std::string_view name, std::string_view help, Type type);
  template <class Store>
  static auto& Series(Family& family, Store& store, const Labels& labels);

  mutable std::mutex mutex_;
  std::map<std::string, Family, std::less<>> families_;
};

}  // namespace tulle::telemetry
