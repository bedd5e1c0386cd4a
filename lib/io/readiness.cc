#include "lib/io/readiness.h"

namespace tulle::io {

void Readiness::SetDeadline(TimePoint when) {
  deadline_ = when;
  expired_ = false;
  // A timer that is due earlier is left as it is: it looks at deadline_ when it fires.
  if (when != kNever && (!scheduled() || when < Timer::when())) Schedule(when);
}

void Readiness::OnTimer() {
  if (deadline_ == kNever) return;
  if (loop_.now() < deadline_) {
    Schedule(deadline_);
    return;
  }
  Expire();
}

void Readiness::WakeAll(List<Waiter>& waiting) {
  while (Waiter* waiter = waiting.PopFront()) loop_.Ready(*waiter);
}

void Readiness::Wake() {
  WakeAll(readers_);
  WakeAll(writers_);
}

void Readiness::Readable() {
  readable_ = true;
  WakeAll(readers_);
}

void Readiness::Writable() {
  writable_ = true;
  WakeAll(writers_);
}

void Readiness::HungUp(bool broken) {
  hung_up_ = true;
  broken_ |= broken;
  WakeAll(hang_up_);
  Readable();
  if (broken) Writable();
}

}  // namespace tulle::io
