#include "sidecar/protect/window.h"

#include <algorithm>

namespace tulle::sidecar::protect {
namespace {

int64_t NumberOf(TimePoint now, Duration span, int64_t slices) {
  return now.time_since_epoch() / std::max(span / slices, Duration(1));
}

}  // namespace

void Window::Add(TimePoint now, Duration span, bool failed) {
  const int64_t number = NumberOf(now, span, kSlices);
  Slice& slice = slices_[static_cast<size_t>(number % kSlices)];
  if (slice.number != number) slice = {number, 0, 0};
  ++slice.calls;
  slice.failures += failed;
}

Tally Window::Sum(TimePoint now, Duration span) const {
  const int64_t oldest = NumberOf(now, span, kSlices) - kSlices + 1;
  Tally sum;
  for (const Slice& slice : slices_) {
    if (slice.number >= oldest) sum += {slice.calls, slice.failures};
  }
  return sum;
}

}  // namespace tulle::sidecar::protect
