#pragma once

#include <cstddef>
#include <cstdint>

#include "sidecar/overload/level.h"

namespace tulle::sidecar::overload {

// Raises the soft limit of file descriptors to the hard one, as far as they are of use; what it is now.
uint64_t RaiseDescriptorLimit();

// Connections that may come in when there are so many descriptors: each may need another one to where it
// goes.
size_t ConnectionsFor(uint64_t descriptors, size_t most);

// How many descriptors this process has open.
class DescriptorMeter {
 public:
  explicit DescriptorMeter(uint64_t limit);
  ~DescriptorMeter();
  DescriptorMeter(const DescriptorMeter&) = delete;

  Usage Read() const;

 private:
  uint64_t limit_;
  int folder_;
};

// A descriptor that is kept for nothing but to be given up when there is no other, so that a connection can
// be accepted in its place and turned away.
class SpareDescriptor {
 public:
  SpareDescriptor() { Keep(); }
  ~SpareDescriptor() { GiveUp(); }
  SpareDescriptor(const SpareDescriptor&) = delete;

  // False when there was none.
  bool GiveUp();
  void Keep();

 private:
  int fd_ = -1;
};

}  // namespace tulle::sidecar::overload
