#include "lib/io/loop.h"

#include <gtest/gtest.h>

#include <random>
#include <thread>
#include <vector>

#include "lib/io/event.h"

namespace tulle::io {
namespace {

using std::chrono::milliseconds;

class Note final : public Timer {
 public:
  Note(Loop& loop, std::vector<int>& notes, int number) : Timer(loop), notes_(notes), number_(number) {}

 private:
  void OnTimer() override { notes_.push_back(number_); }
  std::vector<int>& notes_;
  int number_;
};

class StopLater final : public Timer {
 public:
  StopLater(Loop& loop, Duration after) : Timer(loop) { Schedule(Clock::now() + after); }

 private:
  void OnTimer() override { loop_.Stop(); }
};

TEST(Timers, FireInTheOrderOfTheirTimes) {
  Loop loop;
  std::vector<int> notes;
  std::vector<std::unique_ptr<Note>> timers;
  std::vector<int> delays(200);
  std::mt19937 random(3);
  const TimePoint start = Clock::now();
  for (int& delay : delays) {
    delay = static_cast<int>(random() % 20000);
    timers.push_back(std::make_unique<Note>(loop, notes, delay));
    timers.back()->Schedule(start + std::chrono::microseconds(delay));
  }
  // Rescheduled and cancelled ones keep the order, too.
  for (int i = 0; i < 50; ++i) timers[i]->Schedule(timers[i]->when());
  for (int i = 50; i < 100; ++i) timers[i]->Cancel();
  for (int i = 100; i < 120; ++i) timers[i].reset();
  const StopLater stop(loop, milliseconds(25));
  loop.Run();
  EXPECT_EQ(notes.size(), 130u);
  EXPECT_TRUE(std::is_sorted(notes.begin(), notes.end()));
}

TEST(Timers, RescheduledFireOnceAtTheLastTime) {
  Loop loop;
  std::vector<int> notes;
  Note early(loop, notes, 1), late(loop, notes, 2);
  early.Schedule(Clock::now() + milliseconds(1));
  late.Schedule(Clock::now() + milliseconds(5));
  early.Schedule(Clock::now() + milliseconds(10));
  EXPECT_TRUE(early.scheduled());
  const StopLater stop(loop, milliseconds(15));
  loop.Run();
  EXPECT_EQ(notes, (std::vector<int>{2, 1}));
  EXPECT_FALSE(early.scheduled());
}

TEST(Loop, PostedCallsRunOnTheLoopInTheirOrder) {
  Loop loop;
  std::vector<int> notes;
  std::thread other([&] {
    for (int i = 0; i < 1000; ++i) loop.Post([&notes, i] { notes.push_back(i); });
    loop.Stop();
  });
  loop.Run();
  other.join();
  ASSERT_EQ(notes.size(), 1000u);
  EXPECT_TRUE(std::is_sorted(notes.begin(), notes.end()));
}

TEST(Loop, PostedFromManyThreadsNothingIsLost) {
  Loop loop;
  int sum = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) {
        loop.Post([&] {
          if (++sum == 2000) loop.Stop();
        });
      }
    });
  }
  loop.Run();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(sum, 2000);
}

TEST(Loop, StoppedBeforeItRunsItEndsAtOnceAndCanRunAgain) {
  Loop loop;
  loop.Stop();
  loop.Run();
  bool called = false;
  loop.Post([&] { called = true; });
  loop.Stop();
  loop.Run();
  EXPECT_TRUE(called);
}

TEST(Loop, WhatIsPostedAfterTheEndIsDropped) {
  auto alive = std::make_shared<int>(1);
  {
    Loop loop;
    loop.Post([alive] { FAIL(); });
  }
  EXPECT_EQ(alive.use_count(), 1);
}

Task<void> Ping(Loop& loop, int& rounds) {
  for (;; ++rounds) co_await loop.Sleep(Duration(0));
}

TEST(Loop, CoroutinesThatAreAlwaysReadyStarveNobody) {
  Loop loop;
  int a = 0, b = 0;
  loop.Spawn(Ping(loop, a));
  loop.Spawn(Ping(loop, b));
  const StopLater stop(loop, milliseconds(20));
  loop.Run();
  EXPECT_GT(a, 10);
  EXPECT_NEAR(a, b, 1);
}

TEST(Loop, EndOfTurnHooksRunOnceAfterTheTurn) {
  Loop loop;
  std::vector<int> notes;
  struct Late final : TurnHook {
    explicit Late(std::vector<int>& into) : notes(into) {}
    void OnEndOfTurn() override { notes.push_back(2); }
    std::vector<int>& notes;
  } hook(notes);
  loop.Post([&] {
    loop.AtEndOfTurn(hook);
    loop.AtEndOfTurn(hook);
    notes.push_back(1);
  });
  const StopLater stop(loop, milliseconds(5));
  loop.Run();
  EXPECT_EQ(notes, (std::vector<int>{1, 2}));
}

Task<void> Await(Event& event, TimePoint deadline, std::vector<int>& results) {
  const bool notified = co_await event.Wait(deadline);
  results.push_back(notified);
}

TEST(Event, NotifyWakesAllWhoWaitNow) {
  Loop loop;
  Event event(loop);
  std::vector<int> results;
  for (int i = 0; i < 3; ++i) loop.Spawn(Await(event, kNever, results));
  EXPECT_TRUE(event.awaited());
  event.Notify();
  EXPECT_FALSE(event.awaited());
  loop.Spawn(Await(event, Clock::now() + milliseconds(5), results));
  const StopLater stop(loop, milliseconds(15));
  loop.Run();
  EXPECT_EQ(results, (std::vector<int>{1, 1, 1, 0}));
}

TEST(Event, NotifySomeWakesThoseWhoHaveWaitedLongest) {
  Loop loop;
  Event event(loop);
  std::vector<int> results;
  for (int i = 1; i <= 3; ++i) loop.Spawn(Await(event, Clock::now() + milliseconds(i), results));
  event.NotifySome(2);
  EXPECT_TRUE(event.awaited());
  const StopLater stop(loop, milliseconds(15));
  loop.Run();
  EXPECT_EQ(results, (std::vector<int>{1, 1, 0}));
}

TEST(Event, WhoIsCancelledWhenChosenIsReplaced) {
  Loop loop;
  Event event(loop);
  std::vector<int> results;
  {
    Task<void> cancelled = Await(event, kNever, results);
    cancelled.Start();
    loop.Spawn(Await(event, Clock::now() + milliseconds(5), results));
    event.NotifySome(1);
  }
  const StopLater stop(loop, milliseconds(15));
  loop.Run();
  EXPECT_EQ(results, (std::vector<int>{1}));
}

TEST(Event, ANotificationIsNotLostToADeadlineOfTheSameTurn) {
  Loop loop;
  Event event(loop);
  std::vector<int> results;
  loop.Spawn(Await(event, Clock::now() + milliseconds(1), results));
  event.Notify();
  std::this_thread::sleep_for(milliseconds(5));
  loop.Stop();
  loop.Run();
  EXPECT_EQ(results, (std::vector<int>{1}));
}

TEST(Event, ACancelledWaiterIsForgotten) {
  Loop loop;
  Event event(loop);
  std::vector<int> results;
  {
    Task<void> waiting = Await(event, Clock::now() + milliseconds(1), results);
    waiting.Start();
  }
  EXPECT_FALSE(event.awaited());
  event.Notify();
  const StopLater stop(loop, milliseconds(5));
  loop.Run();
  EXPECT_TRUE(results.empty());
}

}  // namespace
}  // namespace tulle::io
