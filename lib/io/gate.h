#pragma once

#include "lib/io/loop.h"
#include "lib/io/readiness.h"

namespace tulle::io {

// Where coroutines pass that are about to do something costly: so many may be inside at a time, and so few of
// them enter in one turn of the loop that everybody else gets on meanwhile. The others wait in a queue of
// bounded length. Whoever stays inside for long while others wait is thrown out, the longest first: those who
// never finish hold nobody up.
class Gate final : private TurnHook, private Timer {
 public:
  struct Options {
    size_t inside = 64;
    size_t waiting = 1024;
    size_t per_turn = 4;
    Duration stay = kForever;  // that is granted while others wait
  };
  static constexpr Duration kForever = Duration::max();

  Gate(Loop& loop, Options options) : Timer(loop), options_(options) {}
  ~Gate() override;

  size_t inside() const { return inside_count_; }
  size_t waiting() const { return waiting_count_; }

  enum class Answer { kIn, kCrowded, kTimedOut };

  // One coroutine's way through: `Gate::Visit visit(gate, deadline); const Gate::Answer answer = co_await
  // visit;`. After kIn it is inside until the visit is destroyed.
  class Visit final : public Waiter, private Timer {
   public:
    Visit(Gate& gate, TimePoint deadline) : Timer(gate.loop_), gate_(&gate), deadline_(deadline) {}
    ~Visit() override { Leave(); }

    // What expires when the visitor is thrown out. It must stay as long as the visitor may wait for anything.
    void ThrowOutBy(Readiness& readiness) { readiness_ = &readiness; }
    // Was thrown out.
    bool outstayed() const { return outstayed_; }

    bool await_ready();
    void await_suspend(std::coroutine_handle<> handle) { Hold(handle); }
    Answer await_resume() const { return answer_; }
    bool Poll() override;

   private:
    friend class Gate;
    // Its place in the lists of the gate; as a waiter it is in those of the loop.
    struct Seat : ListHook {
      explicit Seat(Visit& whose) : visit(whose) {}
      Visit& visit;
    };
    enum class Place { kOutside, kWaiting, kInside };
    void OnTimer() override;
    void Leave();

    Gate* gate_;  // null when the gate has gone
    Seat seat_{*this};
    TimePoint deadline_;
    TimePoint since_{};
    Readiness* readiness_ = nullptr;
    Place place_ = Place::kOutside;
    bool outstayed_ = false;
    Answer answer_ = Answer::kIn;
  };

 private:
  void OnEndOfTurn() override;
  void OnTimer() override;
  bool Room() const { return inside_count_ < options_.inside && entered_ < options_.per_turn; }
  void LetIn(Visit& visit);

  Options options_;
  List<Visit::Seat> waiting_;  // in the order in which they came
  List<Visit::Seat> inside_;   // the longest first
  size_t waiting_count_ = 0;
  size_t inside_count_ = 0;
  size_t entered_ = 0;     // in this turn
  size_t thrown_out_ = 0;  // and still inside
};

}  // namespace tulle::io
