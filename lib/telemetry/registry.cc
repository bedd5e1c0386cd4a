#include "lib/telemetry/registry.h"

#include <algorithm>
#include <cstdio>

namespace tulle::telemetry {
namespace {

std::string Escape(std::string_view value) {
  std::string text;
  for (const char c : value) {
    if (c == '\\' || c == '"') text += '\\';
    if (c == '\n') {
      text += "\\n";
    } else {
      text += c;
    }
  }
  return text;
}

// key="value",key="value"
std::string LabelText(const Labels& labels, bool overflow) {
  std::string text;
  for (const auto& [name, value] : labels) {
    if (!text.empty()) text += ',';
    text += name + "=\"" + (overflow ? "overflow" : Escape(value)) + "\"";
  }
  return text;
}

std::string Number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

std::string Sample(std::string_view name, std::string_view suffix, std::string_view labels,
                   const std::string& extra, const std::string& value) {
  std::string line = std::string(name) + std::string(suffix);
  if (!labels.empty() || !extra.empty()) {
    line += '{' + std::string(labels) + (labels.empty() || extra.empty() ? "" : ",") + extra + '}';
  }
  return line + ' ' + value + '\n';
}

}  // namespace

void Histogram::Observe(std::chrono::nanoseconds duration) {
  const double seconds = static_cast<double>(duration.count()) / 1e9;
  const auto bound = std::lower_bound(kBoundsSeconds.begin(), kBoundsSeconds.end(), seconds);
  buckets_[bound - kBoundsSeconds.begin()].Add();
  sum_ns_.Add(static_cast<uint64_t>(std::max<int64_t>(0, duration.count())));
}

uint64_t Histogram::count() const {
  uint64_t total = 0;
  for (const Counter& bucket : buckets_) total += bucket.value();
  return total;
}

Registry::Family& Registry::FamilyOf(std::string_view name, std::string_view help, Type type) {
  auto found = families_.find(name);
  if (found == families_.end())
    found = families_.emplace(std::string(name), Family{std::string(help), type, {}, {}, {}, {}}).first;
  if (found->second.type != type) __builtin_trap();  // one name for two things is a bug of ours
  return found->second;
}

template <class Store>
auto& Registry::Series(Family& family, Store& store, const Labels& labels) {
  std::string key = LabelText(labels, false);
  if (const auto found = family.series.find(key); found != family.series.end()) return store[found->second];
  if (family.series.size() >= kMaxSeriesPerFamily) {
    key = LabelText(labels, true);
    if (const auto found = family.series.find(key); found != family.series.end()) return store[found->second];
  }
  family.series.emplace(std::move(key), store.size());
  return store.emplace_back();
}

Counter& Registry::GetCounter(std::string_view name, std::string_view help, const Labels& labels) {
  std::lock_guard lock(mutex_);
  Family& family = FamilyOf(name, help, Type::kCounter);
  return Series(family, family.counters, labels);
}

Gauge& Registry::GetGauge(std::string_view name, std::string_view help, const Labels& labels) {
  std::lock_guard lock(mutex_);
  Family& family = FamilyOf(name, help, Type::kGauge);
  return Series(family, family.gauges, labels);
}

Histogram& Registry::GetHistogram(std::string_view name, std::string_view help, const Labels& labels) {
  std::lock_guard lock(mutex_);
  Family& family = FamilyOf(name, help, Type::kHistogram);
  return Series(family, family.histograms, labels);
}

std::string Registry::Scrape() const {
  std::lock_guard lock(mutex_);
  std::string text;
  for (const auto& [name, family] : families_) {
    static constexpr const char* kTypeNames[] = {"counter", "gauge", "histogram"};
    text += "# HELP " + name + ' ' + family.help + "\n# TYPE " + name + ' ' +
            kTypeNames[static_cast<int>(family.type)] + '\n';
    for (const auto& [labels, index] : family.series) {
      if (family.type == Type::kCounter)
        text += Sample(name, "", labels, "", std::to_string(family.counters[index].value()));
      if (family.type == Type::kGauge)
        text += Sample(name, "", labels, "", Number(family.gauges[index].value()));
      if (family.type != Type::kHistogram) continue;
      const Histogram& histogram = family.histograms[index];
      uint64_t cumulative = 0;
      for (size_t i = 0; i <= Histogram::kBoundsSeconds.size(); ++i) {
        cumulative += histogram.bucket(i);
        const std::string bound =
            i < Histogram::kBoundsSeconds.size() ? Number(Histogram::kBoundsSeconds[i]) : "+Inf";
        text += Sample(name, "_bucket", labels, "le=\"" + bound + "\"", std::to_string(cumulative));
      }
      text += Sample(name, "_sum", labels, "", Number(histogram.sum_seconds()));
      text += Sample(name, "_count", labels, "", std::to_string(cumulative));
    }
  }
  return text;
}

}  // namespace tulle::telemetry
