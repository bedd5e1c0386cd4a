#pragma once

#include <cstddef>

#include "lib/io/loop.h"

namespace tulle::io {

// Something on a loop that coroutines wait for, with a deadline of their own. co_await event.Wait(deadline)
// is true when it was told that they may go on, false when the deadline passed first.
class Event {
 public:
  explicit Event(Loop& loop) : loop_(loop) {}

  struct Awaiter;
  Awaiter Wait(TimePoint deadline);

  // Wakes all who wait at this moment.
  void Notify();
  // Wakes so many at most, who have waited longest. Where one of them is cancelled before it goes on, the
  // next one is woken in its place; so the event must outlive them.
  void NotifySome(size_t most);
  bool awaited() { return !waiting_.empty(); }

 private:
  Loop& loop_;
  List<Awaiter> waiting_;
};

struct Event::Awaiter final : public Waiter, private Timer {
  Awaiter(Event& event, TimePoint deadline) : Timer(event.loop_), event_(event), deadline_(deadline) {}
  Awaiter(const Awaiter&) = delete;
  ~Awaiter() override {
    if (chosen_) event_.NotifySome(1);
  }
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    Hold(handle);
    event_.waiting_.PushBack(*this);
    if (deadline_ != kNever) Schedule(deadline_);
  }
  bool await_resume() {
    chosen_ = false;
    return !timed_out_;
  }
  // The deadline no longer counts, even when it passes in the same turn. `chosen`: out of several.
  void Notified(bool chosen) {
    chosen_ = chosen;
    Cancel();
    loop_.Ready(*this);
  }

 private:
  void OnTimer() override {
    timed_out_ = true;
    loop_.Ready(*this);
  }

  Event& event_;
  TimePoint deadline_;
  bool timed_out_ = false;
  bool chosen_ = false;
};

inline Event::Awaiter Event::Wait(TimePoint deadline) { return Awaiter(*this, deadline); }

inline void Event::Notify() {
  while (Awaiter* waiter = waiting_.PopFront()) waiter->Notified(false);
}

inline void Event::NotifySome(size_t most) {
  for (; most > 0 && awaited(); --most) waiting_.PopFront()->Notified(true);
}

}  // namespace tulle::io
