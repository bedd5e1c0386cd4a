#pragma once

#include <cassert>
#include <string>
#include <utility>
#include <variant>

namespace tulle::base {

// What went wrong, in words meant for the person who has to mend it. `what` names the object and the
// operation.
struct Failure {
  std::string what;
};

// A value or the reason why there is none. The caller must look before it takes: value() on a failure is a
// bug and aborts, also in release builds.
template <class T, class E = Failure>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit on purpose
  Result(E failure) : state_(std::in_place_index<1>, std::move(failure)) {}  // NOLINT: implicit on purpose

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return Checked<0>(); }
  T&& value() && { return std::move(Checked<0>()); }
  const T& value() const& { return const_cast<Result*>(this)->template Checked<0>(); }
  const E& failure() const { return const_cast<Result*>(this)->template Checked<1>(); }

  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }

 private:
  template <size_t I>
  auto& Checked() {
    if (state_.index() != I) __builtin_trap();
    return *std::get_if<I>(&state_);
  }

  std::variant<T, E> state_;
};

}  // namespace tulle::base
