#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lib/meshconfig/protection.h"
#include "sidecar/protect/limits.h"
#include "sidecar/protect/window.h"

// When an endpoint is left alone because it fails. Pure: results, times and random numbers are arguments.
namespace tulle::sidecar::protect {

// What an attempt says of the endpoint that it went to.
enum class Result : uint8_t {
  kSuccess,
  kServerError,   // 5xx
  kGatewayError,  // 502, 503, 504: whoever answers there has trouble behind it
  kTimeout,
  kLost,  // no connection, or it broke
};
// Of a response that the app gave. 4xx are successes: the caller is to blame.
Result ResultOf(int status);
// Of the value of a grpc-status header.
Result ResultOfGrpc(std::string_view status);

// What an endpoint is ejected for, in the words of the metric.
enum class Cause : uint8_t {
  kNone,
  kConsecutive5xx,
  kConsecutiveGatewayErrors,
  kConsecutiveLocalErrors,
  kSuccessRate,
  kFailurePercentage,
  kProbe,
};
constexpr const char* Name(Cause cause) {
  constexpr std::array<const char*, 7> names = {"none",
                                                "consecutive-5xx",
                                                "consecutive-gateway-errors",
                                                "consecutive-local-errors",
                                                "success-rate",
                                                "failure-percentage",
                                                "probe"};
  return names[static_cast<size_t>(cause)];
}

// How an endpoint is thought of by its callers on one worker.
//
//   good ──lost──> resting ──its time is over──> one call goes there ──success──> good
//    └──a detector──> ejected ──the same──┘                      └──failure──> as before, for longer
//
// A rest is short and takes one lost connection; an ejection takes a detector, and is for the caller to
// decide, who knows how many others there are.
class Standing {
 public:
  // Not to be called while there are others: away, or somebody else is finding out.
  bool avoided(TimePoint now) const { return state_ != State::kGood && (probed_ || now < until_); }
  bool ejected() const { return state_ == State::kEjected; }

  // A call goes there. True when it is the one that finds out whether the endpoint is back: EndProbe follows.
  bool BeginCall(TimePoint now);
  void EndProbe() { probed_ = false; }
  // A connection was made.
  void Reached();

  // What became of a call; the reason to eject the endpoint, if there is one by what is known of it alone.
  Cause Report(Result result, const meshconfig::OutlierDetection& policy, TimePoint now);
  // Asked after a failure: by the tally of the others together, whether this one fails more than they do.
  bool StandsOut(const Tally& others, const meshconfig::OutlierDetection& policy, TimePoint now) const;
  // Whether StandsOut is worth its trouble.
  bool Suspect(const meshconfig::OutlierDetection& policy, TimePoint now) const;
  Tally Recent(const meshconfig::OutlierDetection& policy, TimePoint now) const {
    return window_.Sum(now, policy.window);
  }

  // `random` spreads the ends of ejections that began together.
  void Eject(const meshconfig::OutlierDetection& policy, TimePoint now, uint32_t random);
  // What was to be ejected is not: its detectors begin anew.
  void Spare();

 private:
  enum class State : uint8_t { kGood, kResting, kEjected };

  void Restore(TimePoint now);
  void Count(Result result);
  Cause Judge(const meshconfig::OutlierDetection& policy, TimePoint now) const;
  bool Enough(const Tally& own, const meshconfig::OutlierDetection& policy) const;

  State state_ = State::kGood;
  bool probed_ = false;     // one call is finding out
  bool probation_ = false;  // back, and not long enough to be given the benefit of the doubt
  uint32_t in_a_row_5xx_ = 0;
  uint32_t in_a_row_gateway_ = 0;
  uint32_t in_a_row_local_ = 0;
  uint32_t ejections_ = 0;  // that are not forgotten
  TimePoint until_{};       // of a rest or an ejection
  TimePoint good_since_{};
  Window window_;
};

// How many of that many endpoints may be away at a time.
size_t MostEjected(size_t endpoints, const meshconfig::OutlierDetection& policy);

}  // namespace tulle::sidecar::protect
