#pragma once

#include "lib/io/loop.h"

namespace tulle::io {

// Something on a loop that coroutines wait for, with a deadline of their own. co_await event.Wait(deadline)
// is true when Notify came, false when the deadline passed first. Notify wakes all who wait at that moment.
class Event {
 public:
  explicit Event(Loop& loop) : loop_(loop) {}

  struct Awaiter;
  Awaiter Wait(TimePoint deadline);

  void Notify();
  bool awaited() { return !waiting_.empty(); }

 private:
  Loop& loop_;
  List<Awaiter> waiting_;
};

struct Event::Awaiter final : public Waiter, private Timer {
  Awaiter(Event& event, TimePoint deadline) : Timer(event.loop_), event_(event), deadline_(deadline) {}
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    Hold(handle);
    event_.waiting_.PushBack(*this);
    if (deadline_ != kNever) Schedule(deadline_);
  }
  bool await_resume() const { return !timed_out_; }
  // The deadline no longer counts, even when it passes in the same turn.
  void Notified() {
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
};

inline Event::Awaiter Event::Wait(TimePoint deadline) { return Awaiter(*this, deadline); }

inline void Event::Notify() {
  while (Awaiter* waiter = waiting_.PopFront()) waiter->Notified();
}

}  // namespace tulle::io
