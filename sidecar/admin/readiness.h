#pragma once

#include <map>
#include <mutex>
#include <string>

namespace tulle::sidecar::admin {

// What the sidecar still waits for. Ready when nothing is left. Any thread.
class Readiness {
 public:
  // `part` is not ready because of `reason`; an empty reason means that it is.
  void Set(const std::string& part, const std::string& reason) {
    std::lock_guard lock(mutex_);
    if (reason.empty()) {
      waiting_.erase(part);
    } else {
      waiting_[part] = reason;
    }
  }

  // Empty when ready; else a line for each part that is not.
  std::string Waiting() const {
    std::lock_guard lock(mutex_);
    std::string text;
    for (const auto& [part, reason] : waiting_) text += reason + "\n";
    return text;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::string> waiting_;
};

}  // namespace tulle::sidecar::admin
