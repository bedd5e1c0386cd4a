#pragma once

#include "lib/io/loop.h"

namespace tulle::io {

// What coroutines wait for on one connected byte stream, real or virtual, and the one deadline that bounds
// all waiting on it. Used on its loop's thread only.
class Readiness : private Timer {
 public:
  explicit Readiness(Loop& loop) : Timer(loop) {}

  // From `when` on, whatever waits here ends with kTimedOut; kNever lifts it. Cheap: may be set per request.
  void SetDeadline(TimePoint when);
  bool expired() const { return expired_; }
  // Whatever waits here ends with kTimedOut now, whatever the deadline.
  void Expire() {
    expired_ = true;
    Wake();
  }

  // The next close resets the stream, so that the peer cannot mistake what it got for a whole message.
  virtual void ResetOnClose() { resets_on_close_ = true; }
  bool resets_on_close() const { return resets_on_close_; }

  // The peer has ended its direction or broken the stream, as far as we know. For idle connections in a pool.
  bool hung_up() const { return hung_up_; }
  // The stream is gone in both directions.
  bool broken() const { return broken_; }
  // May have bytes that were not read.
  bool maybe_readable() const { return readable_; }

  void AwaitReadable(Waiter& waiter) { readers_.PushBack(waiter); }
  void AwaitWritable(Waiter& waiter) { writers_.PushBack(waiter); }
  // Polled when the peer hangs up and again when the stream breaks; not by deadlines.
  void AwaitHangUp(Waiter& waiter) { hang_up_.PushBack(waiter); }
  // Whoever waits looks again in this turn.
  void Wake();

  Loop& loop() const { return loop_; }

 protected:
  ~Readiness() override = default;

  void Readable();
  void Writable();
  // `broken`: nothing goes either way any more, which readers and writers are told as well.
  void HungUp(bool broken);

  bool readable_ = true;
  bool writable_ = true;

 private:
  void OnTimer() override;
  void WakeAll(List<Waiter>& waiting);

  bool hung_up_ = false;
  bool broken_ = false;
  bool resets_on_close_ = false;
  bool expired_ = false;
  TimePoint deadline_ = kNever;
  List<Waiter> readers_;
  List<Waiter> writers_;
  List<Waiter> hang_up_;
};

}  // namespace tulle::io
