#pragma once

#include <sys/epoll.h>

#include <array>
#include <chrono>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "lib/io/list.h"
#include "lib/io/task.h"

namespace tulle::io {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Duration = Clock::duration;

inline constexpr TimePoint kNever = TimePoint::max();

class Loop;

// A suspended coroutine that waits for something of a loop. Lives in the coroutine's frame; unlinks itself
// when that is destroyed, so a cancelled coroutine is never resumed.
class Waiter : public ListHook {
 public:
  virtual ~Waiter() = default;

  // Called on the loop when the awaited thing may have happened: true resumes the coroutine, false goes on
  // waiting (the waiter has put itself back into its list then).
  virtual bool Poll() { return true; }

  // The coroutine to resume; set once by await_suspend.
  void Hold(std::coroutine_handle<> handle) { handle_ = handle; }

 protected:
  Waiter() = default;

 private:
  friend class Loop;
  std::coroutine_handle<> handle_;
};

// Something that a loop calls at a time. Rescheduling is O(log n) and allocates nothing.
class Timer {
 public:
  explicit Timer(Loop& loop) : loop_(loop) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  virtual ~Timer() { Cancel(); }

  void Schedule(TimePoint when);
  void Cancel();
  bool scheduled() const { return index_ != kNotScheduled; }
  TimePoint when() const { return when_; }

 protected:
  virtual void OnTimer() = 0;
  Loop& loop_;

 private:
  friend class Loop;
  static constexpr size_t kNotScheduled = SIZE_MAX;
  size_t index_ = kNotScheduled;
  TimePoint when_ = kNever;
};

// Something that a loop calls once at the end of its turn, when everybody has had their say: the moment to
// hand to the kernel what they have written. Unlinks itself when it goes.
class TurnHook : public ListHook {
 public:
  virtual void OnEndOfTurn() = 0;

 protected:
  ~TurnHook() = default;
};

// Something that is told about readiness of its file descriptor.
class Watcher {
 public:
  virtual ~Watcher() = default;
  virtual void OnEvents(uint32_t epoll_events) = 0;
};

// One thread's event loop: file descriptors (epoll, edge-triggered), timers, coroutines. Everything but Post
// and Stop is called on the thread that runs it, before Run or from within. It owns the spawned root
// coroutines and destroys those that are unfinished when it is destroyed.
class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Returns after Stop.
  void Run();
  // Any thread.
  void Stop();
  // Any thread: `call` runs on the loop soon. What is posted after the loop ended is dropped.
  void Post(std::function<void()> call);

  // Starts `task` at once and keeps it until it ends.
  void Spawn(Task<void> task);
  size_t spawned() const { return spawned_; }
  // Destroys all that was spawned and is unfinished: for an owner whose own members these coroutines use. Not
  // from within Run.
  void DestroySpawned();

  // The time at which this turn of the loop began.
  TimePoint now() const { return now_; }

  // Edge-triggered for reading and writing. `watcher` must be unwatched before it goes.
  void Watch(int fd, Watcher* watcher);
  void Unwatch(int fd, Watcher* watcher);

  // `waiter` is polled in this turn, after the events of now.
  void Ready(Waiter& waiter) { ready_.PushBack(waiter); }
  // `waiter` is polled in the next turn, after its events.
  void AfterThisTurn(Waiter& waiter) { next_.PushBack(waiter); }

  // `hook` is called at the end of this turn, once. To ask twice does nothing more.
  void AtEndOfTurn(TurnHook& hook) {
    if (!hook.linked()) end_of_turn_.PushBack(hook);
  }

  // Bytes for one read or one flush; contents do not survive the next call that may use it. 64 KiB.
  static constexpr size_t kScratchBytes = 64 << 10;
  char* scratch() { return scratch_.get(); }

  // co_await loop.Sleep(10ms)
  struct SleepAwaiter;
  SleepAwaiter Sleep(Duration duration);
  // co_await loop.Yield(): goes on when others have had their turn.
  struct YieldAwaiter;
  YieldAwaiter Yield();

 private:
  friend class Timer;
  struct Root;

  void Turn();
  void RunReady();
  static constexpr int kReadyRounds = 8;
  void RunTimers();
  void RunPosted();
  int WaitMilliseconds() const;
  void SiftUp(size_t index);
  void SiftDown(size_t index);
  void Place(size_t index, Timer* timer);
  static Root Drive(Loop& loop, Task<void> task);

  struct RootHook : ListHook {
    std::coroutine_handle<> handle;
  };

  class Wakeup final : public Watcher {
   public:
    void OnEvents(uint32_t epoll_events) override;
    int fd = -1;
  };

  int epoll_ = -1;
  Wakeup wakeup_;
  TimePoint now_;
  bool stopping_ = false;
  std::array<epoll_event, 128> events_;
  int event_count_ = 0;
  int event_next_ = 0;
  List<Waiter> ready_;
  List<Waiter> next_;
  std::vector<Timer*> timers_;  // binary heap, earliest first
  List<RootHook> roots_;
  size_t spawned_ = 0;
  List<TurnHook> end_of_turn_;
  std::unique_ptr<char[]> scratch_;  // pages of it cost nothing before they are used

  std::mutex posted_mutex_;
  std::vector<std::function<void()>> posted_;
};

struct Loop::SleepAwaiter final : public Waiter, private Timer {
  SleepAwaiter(Loop& loop, Duration duration) : Timer(loop), duration_(duration) {}

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    Hold(handle);
    Schedule(Clock::now() + duration_);
  }
  void await_resume() const noexcept {}

 private:
  void OnTimer() override { loop_.Ready(*this); }
  Duration duration_;
};

struct Loop::YieldAwaiter final : public Waiter {
  explicit YieldAwaiter(Loop& loop) : loop_(loop) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    Hold(handle);
    loop_.AfterThisTurn(*this);
  }
  void await_resume() const noexcept {}

 private:
  Loop& loop_;
};

inline Loop::YieldAwaiter Loop::Yield() { return YieldAwaiter(*this); }
inline Loop::SleepAwaiter Loop::Sleep(Duration duration) { return SleepAwaiter(*this, duration); }

}  // namespace tulle::io
