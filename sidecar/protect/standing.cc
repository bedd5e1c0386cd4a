#include "sidecar/protect/standing.h"

#include <algorithm>

namespace tulle::sidecar::protect {

using meshconfig::OutlierDetection;

namespace {

bool Reaches(uint32_t count, int64_t threshold) {
  return threshold > 0 && static_cast<int64_t>(count) >= threshold;
}

}  // namespace

Result ResultOf(int status) {
  if (status < 500) return Result::kSuccess;
  return status >= 502 && status <= 504 ? Result::kGatewayError : Result::kServerError;
}

Result ResultOfGrpc(std::string_view status) {
  if (status == "14") return Result::kGatewayError;  // UNAVAILABLE
  // UNKNOWN, DEADLINE_EXCEEDED, INTERNAL, DATA_LOSS
  const bool failed = status == "2" || status == "4" || status == "13" || status == "15";
  return failed ? Result::kServerError : Result::kSuccess;
}

size_t MostEjected(size_t endpoints, const OutlierDetection& policy) {
  if (endpoints < 2) return 0;
  const size_t share = endpoints * static_cast<size_t>(policy.max_ejected_percent) / 100;
  return std::clamp<size_t>(share, 1, endpoints - 1);
}

bool Standing::BeginCall(TimePoint now) {
  if (state_ == State::kGood || probed_ || now < until_) return false;
  return probed_ = true;
}

void Standing::Reached() {
  if (state_ == State::kResting) state_ = State::kGood;
}

void Standing::Restore(TimePoint now) {
  state_ = State::kGood;
  probed_ = false;
  probation_ = true;
  good_since_ = now;
  in_a_row_5xx_ = in_a_row_gateway_ = in_a_row_local_ = 0;
  window_.Clear();
}

void Standing::Count(Result result) {
  const bool local = result == Result::kTimeout || result == Result::kLost;
  if (local) {
    ++in_a_row_local_;
    return;
  }
  in_a_row_local_ = 0;
  in_a_row_5xx_ = result == Result::kSuccess ? 0 : in_a_row_5xx_ + 1;
  in_a_row_gateway_ = result == Result::kGatewayError ? in_a_row_gateway_ + 1 : 0;
}

bool Standing::Enough(const Tally& own, const OutlierDetection& policy) const {
  return probation_ || own.calls >= static_cast<uint64_t>(policy.minimum_requests);
}

Cause Standing::Judge(const OutlierDetection& policy, TimePoint now) const {
  if (Reaches(in_a_row_5xx_, policy.consecutive_5xx)) return Cause::kConsecutive5xx;
  if (Reaches(in_a_row_gateway_, policy.consecutive_gateway_errors)) return Cause::kConsecutiveGatewayErrors;
  if (Reaches(in_a_row_local_, policy.consecutive_local_errors)) return Cause::kConsecutiveLocalErrors;
  if (policy.failure_percentage == 0) return Cause::kNone;
  const Tally own = Recent(policy, now);
  const bool too_many = Enough(own, policy) && own.FailedBy(policy.failure_percentage);
  return too_many ? Cause::kFailurePercentage : Cause::kNone;
}

Cause Standing::Report(Result result, const OutlierDetection& policy, TimePoint now) {
  const bool failed = result != Result::kSuccess;
  // What began before the endpoint was left alone is an echo of what is known.
  if (state_ != State::kGood && !probed_ && now < until_) {
    if (!failed && state_ == State::kResting) state_ = State::kGood;
    return Cause::kNone;
  }
  if (state_ == State::kEjected) {
    if (failed) return Cause::kProbe;
    Restore(now);
  }
  window_.Add(now, policy.window, failed);
  Count(result);
  if (!failed) {
    state_ = State::kGood;
    probed_ = false;
    if (probation_ && now - good_since_ >= policy.window) probation_ = false;
    return Cause::kNone;
  }
  if (result == Result::kLost) {
    state_ = State::kResting;
    probed_ = false;
    until_ = now + kRest;
  }
  return Judge(policy, now);
}

bool Standing::Suspect(const OutlierDetection& policy, TimePoint now) const {
  if (policy.success_rate_gap == 0 || state_ == State::kEjected) return false;
  const Tally own = Recent(policy, now);
  return Enough(own, policy) && own.FailedBy(policy.success_rate_gap);
}

bool Standing::StandsOut(const Tally& others, const OutlierDetection& policy, TimePoint now) const {
  if (!Suspect(policy, now) || others.calls < static_cast<uint64_t>(policy.minimum_requests)) return false;
  const Tally own = Recent(policy, now);
  const auto share = [](const Tally& tally) {
    return static_cast<double>(tally.failures) / static_cast<double>(tally.calls);
  };
  return (share(own) - share(others)) * 100 >= static_cast<double>(policy.success_rate_gap);
}

void Standing::Eject(const OutlierDetection& policy, TimePoint now, uint32_t random) {
  // An ejection is forgotten for every time of good standing that was as long as the first one lasts.
  if (state_ != State::kEjected) {
    const int64_t forgotten = (now - good_since_) / policy.base_ejection;
    ejections_ -= static_cast<uint32_t>(std::min<int64_t>(forgotten, ejections_));
  }
  const base::Duration doubled = policy.base_ejection * (int64_t{1} << std::min(ejections_, 16u));
  const base::Duration time = std::min(doubled, policy.max_ejection);
  ++ejections_;
  state_ = State::kEjected;
  probed_ = false;
  until_ = now + time + time / 5 * (random & 0xffff) / 0x10000;
  in_a_row_5xx_ = in_a_row_gateway_ = in_a_row_local_ = 0;
}

void Standing::Spare() {
  in_a_row_5xx_ = in_a_row_gateway_ = in_a_row_local_ = 0;
  window_.Clear();
}

}  // namespace tulle::sidecar::protect
