#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sidecar/overload/level.h"

namespace tulle::sidecar::overload {

// A small file that is read again and again, also when no further file could be opened.
class HeldFile {
 public:
  HeldFile() = default;
  explicit HeldFile(const std::string& path);
  HeldFile(HeldFile&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  HeldFile& operator=(HeldFile&& other) noexcept;
  ~HeldFile();

  bool open() const { return fd_ >= 0; }
  // Its first bytes as they are now; empty when it cannot be read.
  std::string Read() const;

 private:
  int fd_ = -1;
};

// How much memory this process has, and how much it may have: what its cgroup allows (version 1 or 2), less
// what others in that cgroup use.
class MemoryMeter {
 public:
  // `limit`: instead of the cgroup's, for this process alone; 0 = the cgroup's. `root` is "" outside of
  // tests.
  explicit MemoryMeter(uint64_t limit, const std::string& root = "");

  Usage Read() const;

 private:
  bool Open(const std::string& folder, const char* limit, const char* usage);
  uint64_t Limit(std::string_view stat) const;

  uint64_t fixed_limit_;
  HeldFile own_;
  HeldFile limit_;
  HeldFile usage_;
  HeldFile stat_;
  HeldFile processes_;
};

// The number in a file that holds one; nothing for "max" and other words.
std::optional<uint64_t> ParseNumber(std::string_view text);
// The path of the memory cgroup in /proc/self/cgroup: of version 1 where there is one.
struct CgroupPath {
  bool v1 = false;
  std::string path;
};
CgroupPath ParseCgroups(std::string_view text);
// The number after `name` in lines of "name number".
uint64_t ParseStat(std::string_view text, std::string_view name);

}  // namespace tulle::sidecar::overload
