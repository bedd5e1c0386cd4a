#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace tulle::sidecar::identity {

// A directory in memory (tmpfs) that outlives a restart of this container but not of the pod. Secrets are
// kept there only when it really is in memory.
class StateDir {
 public:
  // An empty path means none: nothing is kept.
  explicit StateDir(std::string path);

  bool in_memory() const { return in_memory_; }

  std::optional<std::string> Read(std::string_view name) const;
  // Replaces the file as a whole or not at all; readable by this user only. `secret` files are refused,
  // silently but for the result, where the directory is on a disk.
  base::Result<bool> Write(std::string_view name, std::string_view content, bool secret) const;

 private:
  std::string path_;
  bool in_memory_ = false;
};

}  // namespace tulle::sidecar::identity
