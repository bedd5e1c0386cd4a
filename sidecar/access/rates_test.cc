#include "sidecar/access/rates.h"

#include <gtest/gtest.h>

namespace tulle::sidecar::access {
namespace {

using meshconfig::RateKey;
using meshconfig::RateLimit;
using std::chrono::seconds;

RateLimit Limit(const std::string& name, int64_t requests, RateKey by = RateKey::kEveryone) {
  RateLimit limit;
  limit.name = name;
  limit.requests = limit.burst = requests;
  limit.by = by;
  return limit;
}

const Caller kAnn{{"d", "shop", "ann"}};
const Caller kBob{{"d", "shop", "bob"}};

struct Fixture {
  explicit Fixture(std::vector<RateLimit> limits, int64_t workers = 1) { rates.Adopt(limits, workers); }

  // The limits that refuse, of so many requests.
  int Refused(int times, const Caller* caller = nullptr, const std::string& head = "GET / HTTP/1.1\r\n") {
    const std::string text = head + "Host: web\r\n\r\n";
    http::RequestHead parsed;
    EXPECT_EQ(http::ParseRequestHead(text, parsed).status, http::ParseStatus::kDone);
    Call call;
    call.caller = caller;
    call.port = 80;
    call.head = &parsed;
    int refused = 0;
    while (times-- > 0) {
      last = rates.Take(call, now);
      refused += last.refused != nullptr;
    }
    return refused;
  }

  protect::TimePoint now = protect::TimePoint() + std::chrono::hours(1);
  Rates rates;
  Rated last;
};

TEST(Rates, WithoutLimitsAllMayCome) { EXPECT_EQ(Fixture({}).Refused(1000), 0); }

TEST(Rates, TheRefusalNamesItsLimit) {
  Fixture workload({Limit("shop/web#0", 10), Limit("shop/web#1", 5)});
  EXPECT_EQ(workload.Refused(8), 3);
  EXPECT_EQ(workload.last.refused->name, "shop/web#1");
  EXPECT_EQ(workload.last.grant.wait, std::chrono::milliseconds(200));
}

TEST(Rates, EachIdentityHasItsOwnAndStrangersShareOne) {
  Fixture workload({Limit("shop/web#0", 5, RateKey::kIdentity)});
  EXPECT_EQ(workload.Refused(8, &kAnn), 3);
  EXPECT_EQ(workload.Refused(8, &kBob), 3);
  EXPECT_EQ(workload.Refused(8), 3);
}

TEST(Rates, EachValueOfAHeaderHasItsOwn) {
  RateLimit limit = Limit("shop/web#0", 5, RateKey::kHeader);
  limit.header = "x-key";
  Fixture workload({limit});
  EXPECT_EQ(workload.Refused(8, nullptr, "GET / HTTP/1.1\r\nX-Key: a\r\n"), 3);
  EXPECT_EQ(workload.Refused(8, nullptr, "GET / HTTP/1.1\r\nX-Key: b\r\n"), 3);
  EXPECT_EQ(workload.Refused(8), 3);
}

TEST(Rates, ALimitIsForItsTargets) {
  RateLimit limit = Limit("shop/web#0", 1);
  limit.to.push_back({{}, {"POST"}, {{.exact = "/pay", .prefix = {}, .regex = {}}}});
  Fixture workload({limit});
  EXPECT_EQ(workload.Refused(5, nullptr, "GET /pay HTTP/1.1\r\n"), 0);
  EXPECT_EQ(workload.Refused(5, nullptr, "POST /look HTTP/1.1\r\n"), 0);
  EXPECT_EQ(workload.Refused(5, nullptr, "POST /pay?x HTTP/1.1\r\n"), 4);
}

TEST(Rates, AShadowSaysWhatItWouldRefuseAsOftenAsItWould) {
  RateLimit limit = Limit("shop/web#0", 5);
  Fixture enforced({limit});
  limit.mode = meshconfig::Mode::kShadow;
  Fixture shadow({limit});
  int counted = 0;
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(shadow.Refused(1), 0);
    counted += shadow.last.shadow != nullptr;
  }
  EXPECT_EQ(counted, enforced.Refused(8));
}

TEST(Rates, LimitsThatDoNotChangeKeepTheirCounts) {
  Fixture workload({Limit("shop/web#0", 5)});
  EXPECT_EQ(workload.Refused(5), 0);
  workload.rates.Adopt({Limit("shop/web#1", 100), Limit("shop/web#0", 5)}, 1);
  EXPECT_EQ(workload.Refused(1), 1);
  workload.rates.Adopt({Limit("shop/web#0", 6)}, 1);
  EXPECT_EQ(workload.Refused(6), 0);
}

TEST(Rates, WorkersShareALimit) {
  Fixture one_of_two({Limit("shop/web#0", 10)}, 2);
  EXPECT_EQ(one_of_two.Refused(10), 5);
  one_of_two.now += seconds(1);
  EXPECT_EQ(one_of_two.Refused(10), 5);
}

}  // namespace
}  // namespace tulle::sidecar::access
