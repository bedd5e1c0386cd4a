#include "sidecar/protect/gradient.h"

#include <algorithm>
#include <cmath>

namespace tulle::sidecar::protect {
namespace {

// The limit is thought over after so many answers, or that time with some at least.
constexpr auto kPeriod = std::chrono::milliseconds(100);
constexpr int64_t kEnough = 20;
constexpr int64_t kFew = 5;
// Answers without a queue are measured that often.
constexpr auto kMeasureEvery = std::chrono::seconds(15);
// How much longer than without a queue answers may take before the limit shrinks.
constexpr double kTolerance = 1.5;
// The share of the limit that each class may fill.
constexpr double kShares[] = {0.6, 0.9, 1.0};

double Seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

Priority PriorityOf(std::string_view header) {
  const size_t at = header.find("u=");
  const bool begins = at == 0 || (at != header.npos && (header[at - 1] == ' ' || header[at - 1] == ','));
  if (!begins || at + 2 >= header.size()) return Priority::kNormal;
  const char urgency = header[at + 2];
  if (urgency == '0' || urgency == '1') return Priority::kHigh;
  return urgency >= '5' && urgency <= '7' ? Priority::kLow : Priority::kNormal;
}

void Gradient::Sample::Add(Duration took) {
  log_sum += std::log(Seconds(took));
  ++count;
}

double Gradient::Sample::seconds() const { return std::exp(log_sum / static_cast<double>(count)); }

double Gradient::Allowed() const {
  const double halved = measuring_ ? limit_ / 2 : limit_;
  return std::max(halved, static_cast<double>(policy_.minimum));
}

bool Gradient::Begin(Priority priority, TimePoint now) {
  if (now >= period_began_ + kPeriod) Turn(now);
  const double allowed = std::max(Allowed() * kShares[static_cast<size_t>(priority)], 1.0);
  if (static_cast<double>(in_flight_ + 1) > allowed && policy_.mode == meshconfig::Mode::kEnforce)
    return false;
  const bool fits = static_cast<double>(in_flight_ + 1) <= allowed;
  most_in_flight_ = std::max(most_in_flight_, ++in_flight_);
  return fits;
}

void Gradient::End(Duration took, TimePoint now) {
  --in_flight_;
  if (took > Duration::zero() && now - took >= settled_at_) sample_.Add(took);
  if (now >= period_began_ + kPeriod) Turn(now);
}

// The end of a period: what its answers say is taken into account.
void Gradient::Turn(TimePoint now) {
  if (sample_.count < (now < period_began_ + 10 * kPeriod ? kEnough : kFew)) return;
  const double seconds = sample_.seconds();
  if (measuring_) {
    unqueued_ = seconds;
    measuring_ = false;
    measure_at_ = now + kMeasureEvery;
  } else if (unqueued_ == 0 || now >= measure_at_) {
    measuring_ = true;
    settled_at_ = now + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
  } else {
    Adapt(seconds);
  }
  sample_ = {};
  most_in_flight_ = in_flight_;
  period_began_ = now;
}

void Gradient::Adapt(double seconds) {
  const double gradient = std::clamp(kTolerance * unqueued_ / seconds, 0.5, 1.0);
  const double wanted = limit_ * gradient + std::sqrt(limit_);
  // A limit that nobody comes near is not raised: it would mean nothing when they do.
  if (wanted > limit_ && static_cast<double>(most_in_flight_) < limit_ / 2) return;
  limit_ = std::clamp(wanted, static_cast<double>(policy_.minimum), static_cast<double>(policy_.maximum));
}

}  // namespace tulle::sidecar::protect
