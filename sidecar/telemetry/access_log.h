#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace tulle::sidecar::telemetry {

enum class AccessLogMode { kOff, kErrors, kAll };

// Lines for standard output. The data plane only appends to a bounded buffer; a thread writes. Where the
// reader of our output is too slow, lines are dropped and counted, never waited for.
class AccessLog {
 public:
  static constexpr size_t kMaxPendingBytes = 1 << 20;

  explicit AccessLog(int fd);
  // Writes what is pending, within a second.
  ~AccessLog();

  // Any thread. `line` without its newline.
  void Write(std::string_view line);
  uint64_t dropped() const;

 private:
  void Run();
  // False when it is time to end, whatever is left.
  bool WriteAll(std::string_view left);
  bool Ending() const;

  int fd_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::string pending_;
  uint64_t dropped_ = 0;
  bool ending_ = false;
  std::thread thread_;
};

// `text` as the inside of a JSON string: control characters, quotes and invalid UTF-8 escaped.
void AppendJsonEscaped(std::string& out, std::string_view text);

}  // namespace tulle::sidecar::telemetry
