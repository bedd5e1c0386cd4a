#pragma once

#include "lib/io/loop.h"

namespace tulle::io {

// Calls Flush() of a shared connection when the turn ends in which something was gathered for it
// (Loop::AtEndOfTurn), and again when the kernel has room (Readiness::AwaitWritable). A member of its owner.
template <typename Owner>
class Flusher final : public TurnHook, public Waiter {
 public:
  explicit Flusher(Owner& owner) : owner_(owner) {}
  void OnEndOfTurn() override { owner_.Flush(); }
  bool Poll() override {
    owner_.Flush();
    return false;
  }

 private:
  Owner& owner_;
};

}  // namespace tulle::io
