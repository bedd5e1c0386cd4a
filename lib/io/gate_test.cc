#include "lib/io/gate.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "lib/io/event.h"

namespace tulle::io {
namespace {

using std::chrono::milliseconds;

class Virtual final : public Readiness {
 public:
  using Readiness::Readiness;
  ~Virtual() override = default;
};

// Visitors of one gate that stay until they are let go, and the turns of the loop meanwhile.
class Visitors {
 public:
  explicit Visitors(Gate::Options options) : gate_(std::make_unique<Gate>(loop_, options)), go_(loop_) {}

  void Come(TimePoint deadline = kNever) { loop_.Spawn(Visit(deadline)); }
  void Wait(Duration duration) {
    loop_.Spawn(StopAfter(duration));
    loop_.Run();
  }

  Loop loop_;
  std::unique_ptr<Gate> gate_;
  Event go_;
  std::vector<Gate::Answer> answers_;
  size_t outstayed_ = 0;
  size_t left_ = 0;
  size_t most_inside_ = 0;

 private:
  Task<void> StopAfter(Duration duration) {
    co_await loop_.Sleep(duration);
    loop_.Stop();
  }
  Task<void> Visit(TimePoint deadline) {
    Virtual body(loop_);
    Gate::Visit visit(*gate_, deadline);
    visit.ThrowOutBy(body);
    const Gate::Answer answer = co_await visit;
    answers_.push_back(answer);
    if (answer != Gate::Answer::kIn) co_return;
    most_inside_ = std::max(most_inside_, gate_->inside());
    while (!body.expired()) {
      const TimePoint soon = loop_.now() + milliseconds(1);
      if (co_await go_.Wait(soon)) break;
    }
    if (visit.outstayed()) ++outstayed_;
    ++left_;
  }
};

TEST(Gate, LetsInSoManyAndTheOthersWhenTheyLeave) {
  Visitors visitors({.inside = 3, .waiting = 100, .per_turn = 100});
  for (int i = 0; i < 8; ++i) visitors.Come();
  EXPECT_EQ(visitors.gate_->inside(), 3u);
  EXPECT_EQ(visitors.gate_->waiting(), 5u);
  for (const size_t left : {3u, 6u, 8u}) {
    visitors.go_.Notify();
    visitors.Wait(milliseconds(5));
    EXPECT_EQ(visitors.left_, left);
  }
  EXPECT_EQ(visitors.most_inside_, 3u);
  EXPECT_EQ(visitors.gate_->inside(), 0u);
}

TEST(Gate, TurnsAwayWhoFindsTheQueueFull) {
  Visitors visitors({.inside = 1, .waiting = 2, .per_turn = 100});
  for (int i = 0; i < 5; ++i) visitors.Come();
  EXPECT_EQ(visitors.answers_,
            (std::vector{Gate::Answer::kIn, Gate::Answer::kCrowded, Gate::Answer::kCrowded}));
}

TEST(Gate, NobodyWaitsBeyondTheDeadline) {
  Visitors visitors({.inside = 1, .waiting = 2, .per_turn = 100});
  visitors.Come();
  visitors.Come(Clock::now() + milliseconds(5));
  visitors.Come();
  visitors.Wait(milliseconds(20));
  EXPECT_EQ(visitors.answers_, (std::vector{Gate::Answer::kIn, Gate::Answer::kTimedOut}));
  EXPECT_EQ(visitors.gate_->waiting(), 1u);
}

// Until seven have entered: how many turns that takes, and the most that entered in one.
Task<void> CountTurns(Visitors& visitors, size_t& turns, size_t& most) {
  while (visitors.answers_.size() < 7) {
    const size_t before = visitors.answers_.size();
    co_await visitors.loop_.Yield();
    ++turns;
    most = std::max(most, visitors.answers_.size() - before);
  }
  visitors.loop_.Stop();
}

TEST(Gate, FewEnterInOneTurn) {
  Visitors visitors({.inside = 100, .waiting = 100, .per_turn = 2});
  for (int i = 0; i < 7; ++i) visitors.Come();
  EXPECT_EQ(visitors.answers_.size(), 2u);
  size_t most = 0;
  size_t turns = 0;
  visitors.loop_.Spawn(CountTurns(visitors, turns, most));
  visitors.loop_.Run();
  EXPECT_GE(turns, 3u);
  EXPECT_LE(most, 2u);
}

TEST(Gate, WhoStaysLongLeavesWhenOthersWait) {
  Visitors visitors({.inside = 2, .waiting = 10, .per_turn = 10, .stay = milliseconds(20)});
  visitors.Come();
  visitors.Come();
  visitors.Wait(milliseconds(40));
  EXPECT_EQ(visitors.outstayed_, 0u);  // nobody else wanted to come in
  visitors.Come();
  visitors.Wait(milliseconds(10));
  EXPECT_EQ(visitors.outstayed_, 1u);
  EXPECT_EQ(visitors.gate_->inside(), 2u);
  EXPECT_EQ(visitors.gate_->waiting(), 0u);
}

TEST(Gate, MayGoBeforeItsVisitors) {
  Visitors visitors({.inside = 1, .waiting = 10, .per_turn = 1});
  for (int i = 0; i < 3; ++i) visitors.Come();
  visitors.gate_.reset();
}

}  // namespace
}  // namespace tulle::io
