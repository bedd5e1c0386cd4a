#include "lib/io/gate.h"

namespace tulle::io {

Gate::~Gate() {
  for (List<Visit::Seat>* seats : {&waiting_, &inside_}) {
    seats->ForEach([](Visit::Seat& seat) { seat.visit.gate_ = nullptr; });
  }
}

void Gate::LetIn(Visit& visit) {
  ++inside_count_;
  ++entered_;
  visit.place_ = Visit::Place::kInside;
  visit.since_ = loop_.now();
  inside_.PushBack(visit.seat_);
}

// Those who are let in now go on in the next turn, and count as having entered in it.
void Gate::OnEndOfTurn() {
  entered_ = 0;
  while (Room() && !waiting_.empty()) {
    Visit& visit = waiting_.front().visit;
    --waiting_count_;
    visit.Cancel();
    LetIn(visit);
    loop_.AfterThisTurn(visit);
  }
  const bool crowded = waiting_count_ > thrown_out_ && inside_count_ >= options_.inside;
  if (crowded && options_.stay != kForever && !scheduled()) {
    Schedule(inside_.front().visit.since_ + options_.stay);
  }
}

void Gate::OnTimer() {
  const TimePoint now = loop_.now();
  while (waiting_count_ > thrown_out_ && inside_count_ >= options_.inside) {
    Visit& visit = inside_.front().visit;
    if (now - visit.since_ < options_.stay) break;
    visit.since_ = now;  // in case that it takes its time
    inside_.PushBack(visit.seat_);
    if (visit.outstayed_ || visit.readiness_ == nullptr) continue;
    visit.outstayed_ = true;
    ++thrown_out_;
    visit.readiness_->Expire();
  }
  loop_.AtEndOfTurn(*this);
}

bool Gate::Visit::await_ready() {
  Gate& gate = *gate_;
  if (gate.waiting_.empty() && gate.Room()) {
    gate.LetIn(*this);
    loop_.AtEndOfTurn(gate);
    return true;
  }
  if (gate.waiting_count_ >= gate.options_.waiting) {
    answer_ = Answer::kCrowded;
    return true;
  }
  place_ = Place::kWaiting;
  ++gate.waiting_count_;
  gate.waiting_.PushBack(seat_);
  if (deadline_ != kNever) Schedule(deadline_);
  loop_.AtEndOfTurn(gate);
  return false;
}

bool Gate::Visit::Poll() {
  if (place_ == Place::kInside && gate_ != nullptr) loop_.AtEndOfTurn(*gate_);
  return true;
}

void Gate::Visit::OnTimer() {
  Leave();
  answer_ = Answer::kTimedOut;
  loop_.Ready(*this);
}

void Gate::Visit::Leave() {
  if (gate_ == nullptr || place_ == Place::kOutside) return;
  Gate& gate = *gate_;
  --(place_ == Place::kWaiting ? gate.waiting_count_ : gate.inside_count_);
  gate.thrown_out_ -= outstayed_;
  place_ = Place::kOutside;
  seat_.Unlink();
  if (!gate.waiting_.empty()) loop_.AtEndOfTurn(gate);
}

}  // namespace tulle::io
