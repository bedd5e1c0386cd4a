#include "sidecar/overload/descriptors.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "sidecar/overload/limits.h"

namespace tulle::sidecar::overload {

uint64_t RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return kLeastDescriptors;
  const rlim_t wanted = std::min<rlim_t>(limit.rlim_max, kMaxDescriptors);
  if (limit.rlim_cur < wanted) {
    const rlimit raised{wanted, limit.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit.rlim_cur = wanted;
  }
  return std::min<rlim_t>(limit.rlim_cur, kMaxDescriptors);
}

size_t ConnectionsFor(uint64_t descriptors, size_t most) {
  const uint64_t reserve = std::min(kReserveDescriptors, descriptors / 4);
  return std::min<uint64_t>(most, (descriptors - reserve) / 2);
}

DescriptorMeter::DescriptorMeter(uint64_t limit)
    : limit_(limit), folder_(open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {}

DescriptorMeter::~DescriptorMeter() {
  if (folder_ >= 0) close(folder_);
}

// Since Linux 6.2 the size of that folder is the number; before, they have to be listed.
Usage DescriptorMeter::Read() const {
  struct stat status {};
  if (folder_ < 0 || fstat(folder_, &status) != 0) return {0, limit_};
  if (status.st_size > 0) return {static_cast<uint64_t>(status.st_size), limit_};
  const int copy = openat(folder_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* list = copy < 0 ? nullptr : fdopendir(copy);
  if (list == nullptr) {
    if (copy >= 0) close(copy);
    return {limit_, limit_};  // none is left even for this
  }
  uint64_t open_now = 0;
  while (readdir(list) != nullptr) ++open_now;
  closedir(list);
  return {open_now, limit_};
}

bool SpareDescriptor::GiveUp() {
  if (fd_ < 0) return false;
  close(fd_);
  fd_ = -1;
  return true;
}

void SpareDescriptor::Keep() {
  if (fd_ < 0) fd_ = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

}  // namespace tulle::sidecar::overload
