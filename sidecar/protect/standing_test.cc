#include "sidecar/protect/standing.h"

#include <gtest/gtest.h>

#include <initializer_list>

namespace tulle::sidecar::protect {
namespace {

using meshconfig::OutlierDetection;
using std::chrono::milliseconds;
using std::chrono::seconds;

// One endpoint, and a clock.
struct Fixture {
  Cause Report(std::initializer_list<Result> results) {
    Cause cause = Cause::kNone;
    for (const Result result : results) cause = standing.Report(result, policy, now);
    return cause;
  }
  Cause Report(int times, Result result) {
    Cause cause = Cause::kNone;
    while (times-- > 0) cause = standing.Report(result, policy, now);
    return cause;
  }
  void Eject() { standing.Eject(policy, now, 0); }
  // One call that finds out whether the endpoint is back.
  Cause Probe(Result result) {
    EXPECT_TRUE(standing.BeginCall(now));
    const Cause cause = standing.Report(result, policy, now);
    standing.EndProbe();
    return cause;
  }
  // For how long the endpoint is away from now on.
  milliseconds Away() const {
    milliseconds away{0};
    while (standing.avoided(now + away)) away += milliseconds(10);
    return away;
  }

  OutlierDetection policy;
  TimePoint now = TimePoint() + std::chrono::hours(1);
  Standing standing;
};

TEST(ResultOf, CallersAreToBlameForFourHundreds) {
  EXPECT_EQ(ResultOf(200), Result::kSuccess);
  EXPECT_EQ(ResultOf(429), Result::kSuccess);
  EXPECT_EQ(ResultOf(500), Result::kServerError);
  EXPECT_EQ(ResultOf(503), Result::kGatewayError);
  EXPECT_EQ(ResultOf(505), Result::kServerError);
  EXPECT_EQ(ResultOfGrpc("14"), Result::kGatewayError);
  EXPECT_EQ(ResultOfGrpc("13"), Result::kServerError);
  EXPECT_EQ(ResultOfGrpc("5"), Result::kSuccess);
}

TEST(Standing, FiveErrorsInARowAreTooMany) {
  Fixture endpoint;
  EXPECT_EQ(endpoint.Report(4, Result::kServerError), Cause::kNone);
  EXPECT_EQ(endpoint.Report({Result::kServerError}), Cause::kConsecutive5xx);
}

TEST(Standing, ASuccessBreaksTheRow) {
  Fixture endpoint;
  EXPECT_EQ(endpoint.Report(4, Result::kServerError), Cause::kNone);
  EXPECT_EQ(endpoint.Report({Result::kSuccess}), Cause::kNone);
  EXPECT_EQ(endpoint.Report(4, Result::kServerError), Cause::kNone);
}

TEST(Standing, GatewayErrorsHaveARowOfTheirOwn) {
  Fixture endpoint;
  endpoint.policy.consecutive_5xx = 0;
  EXPECT_EQ(endpoint.Report(4, Result::kGatewayError), Cause::kNone);
  EXPECT_EQ(endpoint.Report({Result::kServerError}), Cause::kNone);
  EXPECT_EQ(endpoint.Report(4, Result::kGatewayError), Cause::kNone);
  EXPECT_EQ(endpoint.Report({Result::kGatewayError}), Cause::kConsecutiveGatewayErrors);
}

TEST(Standing, TimeoutsAreLocalErrorsAndAnyAnswerBreaksTheirRow) {
  Fixture endpoint;
  EXPECT_EQ(endpoint.Report(4, Result::kTimeout), Cause::kNone);
  EXPECT_EQ(endpoint.Report({Result::kServerError}), Cause::kNone);
  EXPECT_EQ(endpoint.Report(4, Result::kTimeout), Cause::kNone);
  EXPECT_FALSE(endpoint.standing.avoided(endpoint.now));
  EXPECT_EQ(endpoint.Report({Result::kTimeout}), Cause::kConsecutiveLocalErrors);
}

TEST(Standing, ALostConnectionIsRestedFromAndManyAtOnceAreOne) {
  Fixture endpoint;
  EXPECT_EQ(endpoint.Report(100, Result::kLost), Cause::kNone);
  EXPECT_EQ(endpoint.Away(), kRest);
  endpoint.standing.Reached();
  EXPECT_FALSE(endpoint.standing.avoided(endpoint.now));
}

TEST(Standing, WhoCannotBeReachedAfterSeveralRestsIsEjected) {
  Fixture endpoint;
  endpoint.Report({Result::kLost});
  for (int i = 0; i < 3; ++i) {
    endpoint.now += kRest;
    EXPECT_EQ(endpoint.Probe(Result::kLost), Cause::kNone);
    EXPECT_TRUE(endpoint.standing.avoided(endpoint.now));
  }
  endpoint.now += kRest;
  EXPECT_EQ(endpoint.Probe(Result::kLost), Cause::kConsecutiveLocalErrors);
}

TEST(Standing, OneCallAtATimeFindsOutWhetherItIsBack) {
  Fixture endpoint;
  endpoint.Eject();
  EXPECT_FALSE(endpoint.standing.BeginCall(endpoint.now));
  endpoint.now += seconds(5);
  EXPECT_FALSE(endpoint.standing.avoided(endpoint.now));
  EXPECT_TRUE(endpoint.standing.BeginCall(endpoint.now));
  EXPECT_TRUE(endpoint.standing.avoided(endpoint.now));
  EXPECT_FALSE(endpoint.standing.BeginCall(endpoint.now));
  endpoint.standing.EndProbe();  // its client left
  EXPECT_FALSE(endpoint.standing.avoided(endpoint.now));
  EXPECT_EQ(endpoint.Probe(Result::kSuccess), Cause::kNone);
  EXPECT_FALSE(endpoint.standing.ejected());
}

TEST(Standing, WhatBeganBeforeAnEjectionDoesNotEndIt) {
  Fixture endpoint;
  endpoint.Eject();
  EXPECT_EQ(endpoint.Report(10, Result::kServerError), Cause::kNone);
  EXPECT_EQ(endpoint.Report(10, Result::kSuccess), Cause::kNone);
  EXPECT_TRUE(endpoint.standing.ejected());
}

TEST(Standing, EachEjectionLastsTwiceAsLongUpToTheLongest) {
  Fixture endpoint;
  endpoint.policy.max_ejection = seconds(30);
  endpoint.Eject();
  for (const int expected : {5, 10, 20, 30, 30}) {
    EXPECT_EQ(endpoint.Away(), seconds(expected));
    endpoint.now += endpoint.Away();
    EXPECT_EQ(endpoint.Probe(Result::kServerError), Cause::kProbe);
    endpoint.Eject();
  }
}

TEST(Standing, EjectionsAreForgottenInGoodTimes) {
  Fixture endpoint;
  endpoint.Eject();
  endpoint.now += seconds(5);
  endpoint.Probe(Result::kServerError);
  endpoint.Eject();
  endpoint.now += seconds(10);
  endpoint.Probe(Result::kSuccess);
  endpoint.now += seconds(9);
  endpoint.Eject();
  EXPECT_EQ(endpoint.Away(), seconds(10));
}

TEST(Standing, EndsOfEjectionsAreSpread) {
  Fixture endpoint;
  endpoint.standing.Eject(endpoint.policy, endpoint.now, 0xffff);
  EXPECT_EQ(endpoint.Away(), seconds(6));
}

TEST(Standing, AShareOfFailuresNeedsEnoughRequests) {
  Fixture endpoint;
  endpoint.policy.failure_percentage = 40;
  for (int i = 0; i < 9; ++i) {
    EXPECT_EQ(endpoint.Report({Result::kSuccess, Result::kServerError}), Cause::kNone) << i;
  }
  EXPECT_EQ(endpoint.Report({Result::kSuccess, Result::kServerError}), Cause::kFailurePercentage);
}

TEST(Standing, StandsOutBelowTheSuccessRateOfTheOthers) {
  Fixture endpoint;
  for (int i = 0; i < 10; ++i) endpoint.Report({Result::kSuccess, Result::kServerError});
  EXPECT_TRUE(endpoint.standing.StandsOut({200, 10}, endpoint.policy, endpoint.now));
  EXPECT_FALSE(endpoint.standing.StandsOut({200, 80}, endpoint.policy, endpoint.now));
  EXPECT_FALSE(endpoint.standing.StandsOut({19, 0}, endpoint.policy, endpoint.now));
  endpoint.now += endpoint.policy.window;
  EXPECT_FALSE(endpoint.standing.StandsOut({200, 10}, endpoint.policy, endpoint.now));
}

TEST(Standing, WhoHasJustComeBackIsNotGivenTheBenefitOfTheDoubt) {
  Fixture endpoint;
  endpoint.Eject();
  endpoint.now += seconds(5);
  endpoint.Probe(Result::kSuccess);
  EXPECT_EQ(endpoint.Report({Result::kServerError}), Cause::kNone);
  EXPECT_TRUE(endpoint.standing.StandsOut({200, 0}, endpoint.policy, endpoint.now));
  EXPECT_FALSE(endpoint.standing.StandsOut({200, 100}, endpoint.policy, endpoint.now));
}

TEST(MostEjected, OneMayAlwaysBeAndOneAlwaysStays) {
  OutlierDetection policy;
  EXPECT_EQ(MostEjected(1, policy), 0u);
  EXPECT_EQ(MostEjected(2, policy), 1u);
  EXPECT_EQ(MostEjected(3, policy), 1u);
  EXPECT_EQ(MostEjected(10, policy), 5u);
  policy.max_ejected_percent = 100;
  EXPECT_EQ(MostEjected(10, policy), 9u);
  policy.max_ejected_percent = 0;
  EXPECT_EQ(MostEjected(10, policy), 1u);
}

}  // namespace
}  // namespace tulle::sidecar::protect
