#include "lib/io/task.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <string>
#include <vector>

#include "lib/io/event.h"

namespace tulle::io {
namespace {

using std::chrono::milliseconds;

// Says when it goes.
struct Trace {
  std::vector<std::string>& said;
  std::string word;
  ~Trace() { said.push_back(word); }
};

Task<int> Value(int value) { co_return value; }
Task<int> Add(int a, int b) {
  Task<int> left = Value(a);
  const int first = co_await left;
  co_return first + co_await Value(b);
}
Task<void> Store(Task<int> task, int& into) { into = co_await task; }

Task<void> SleepThenSay(Loop& loop, milliseconds time, std::vector<std::string>& said, std::string word) {
  Trace gone{said, "~" + word};
  co_await loop.Sleep(time);
  said.push_back(word);
}

TEST(Task, StartsOnlyWhenItIsAwaitedOrStarted) {
  Loop loop;
  std::vector<std::string> said;
  { const Task<void> never = SleepThenSay(loop, milliseconds(0), said, "a"); }
  EXPECT_TRUE(said.empty());
}

TEST(Task, ResultsComeBackThroughAwaits) {
  Loop loop;
  int result = 0;
  loop.Spawn(Store(Add(3, 4), result));
  EXPECT_EQ(result, 7);
  EXPECT_EQ(loop.spawned(), 0u);
}

Task<void> StartBothThenJoin(Loop& loop, std::vector<std::string>& said) {
  Task<void> slow = SleepThenSay(loop, milliseconds(20), said, "slow");
  Task<void> quick = SleepThenSay(loop, milliseconds(5), said, "quick");
  slow.Start();
  quick.Start();
  EXPECT_FALSE(slow.done());
  co_await slow;
  EXPECT_TRUE(quick.done());
  co_await quick;
  said.push_back("joined");
  loop.Stop();
}

TEST(Task, StartedTasksRunBesideTheirOwnerAndAreJoined) {
  Loop loop;
  std::vector<std::string> said;
  loop.Spawn(StartBothThenJoin(loop, said));
  loop.Run();
  EXPECT_EQ(said, (std::vector<std::string>{"quick", "~quick", "slow", "~slow", "joined"}));
}

Task<void> CancelAfter(Loop& loop, std::vector<std::string>& said) {
  {
    Task<void> cancelled = SleepThenSay(loop, milliseconds(5), said, "cancelled");
    cancelled.Start();
  }
  said.push_back("gone");
  co_await loop.Sleep(milliseconds(15));
  loop.Stop();
}

TEST(Task, DestroyingItCancelsItWhereItIsSuspended) {
  Loop loop;
  std::vector<std::string> said;
  loop.Spawn(CancelAfter(loop, said));
  loop.Run();
  EXPECT_EQ(said, (std::vector<std::string>{"~cancelled", "gone"}));
}

TEST(Task, AssignmentCancelsTheFormerOne) {
  Loop loop;
  std::vector<std::string> said;
  Task<void> task = SleepThenSay(loop, milliseconds(5), said, "one");
  task.Start();
  task = SleepThenSay(loop, milliseconds(5), said, "two");
  EXPECT_EQ(said, (std::vector<std::string>{"~one"}));
  EXPECT_FALSE(task.await_ready());
}

TEST(Task, TheLoopCancelsWhatIsUnfinishedWhenItEnds) {
  std::vector<std::string> said;
  {
    Loop loop;
    loop.Spawn(SleepThenSay(loop, milliseconds(60000), said, "never"));
    EXPECT_EQ(loop.spawned(), 1u);
  }
  EXPECT_EQ(said, (std::vector<std::string>{"~never"}));
}

Task<void> WaitFor(Event& event, std::vector<std::string>& said) {
  co_await event.Wait(kNever);
  said.push_back("resumed");
}

// One of two that wake in the same turn destroys the other one.
Task<void> DestroyOnEvent(Event& event, std::optional<Task<void>>& victim, Loop& loop) {
  co_await event.Wait(kNever);
  victim.reset();
  loop.Stop();
}

TEST(Task, DestroyedInTheReadyListItIsNotResumed) {
  Loop loop;
  Event event(loop);
  std::vector<std::string> said;
  std::optional<Task<void>> victim;
  loop.Spawn(DestroyOnEvent(event, victim, loop));
  victim.emplace(WaitFor(event, said));
  victim->Start();
  event.Notify();
  loop.Run();
  EXPECT_TRUE(said.empty());
}

#ifndef __SANITIZE_ADDRESS__  // where nothing is reused, so that it can be watched
size_t BytesInUse() { return mallinfo2().uordblks; }

TEST(FramePool, FramesAreReusedAfterTheFirstRound) {
  Loop loop;
  int result = 0;
  const auto round = [&] {
    for (int i = 0; i < 100; ++i) loop.Spawn(Store(Add(i, i), result));
  };
  round();
  void* first = AllocateFrame(200);
  FreeFrame(first, 200);
  void* again = AllocateFrame(250);
  EXPECT_EQ(first, again);
  FreeFrame(again, 250);
  const size_t before = BytesInUse();
  round();
  EXPECT_EQ(BytesInUse(), before);
}
#endif

TEST(FramePool, LargeFramesAreGivenBackToTheHeap) {
  void* large = AllocateFrame(1 << 20);
  ASSERT_NE(large, nullptr);
  FreeFrame(large, 1 << 20);
}

}  // namespace
}  // namespace tulle::io
