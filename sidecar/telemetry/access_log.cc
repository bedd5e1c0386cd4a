#include "sidecar/telemetry/access_log.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdio>
#include <optional>

namespace tulle::sidecar::telemetry {
namespace {

constexpr auto kGoodbye = std::chrono::seconds(1);
constexpr int kPollMilliseconds = 100;

// The length of the valid UTF-8 sequence at the start of `text`, 0 where there is none.
size_t Utf8Length(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const size_t length = lead < 0x80                   ? 1
                        : lead >= 0xc2 && lead < 0xe0 ? 2
                        : (lead & 0xf0) == 0xe0       ? 3
                        : lead >= 0xf0 && lead < 0xf5 ? 4
                                                      : 0;
  if (length == 0 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) return 0;
  }
  const auto second = length > 1 ? static_cast<unsigned char>(text[1]) : 0;
  const bool overlong = (lead == 0xe0 && second < 0xa0) || (lead == 0xf0 && second < 0x90);
  const bool surrogate = lead == 0xed && second >= 0xa0;
  return overlong || surrogate || (lead == 0xf4 && second >= 0x90) ? 0 : length;
}

}  // namespace

AccessLog::AccessLog(int fd) : fd_(fd), thread_([this] { Run(); }) {}

AccessLog::~AccessLog() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void AccessLog::Write(std::string_view line) {
  bool wake;
  {
    std::lock_guard lock(mutex_);
    if (pending_.size() + line.size() > kMaxPendingBytes) {
      ++dropped_;
      return;
    }
    wake = pending_.empty();
    pending_ += line;
    pending_ += '\n';
  }
  if (wake) wake_.notify_one();
}

uint64_t AccessLog::dropped() const {
  std::lock_guard lock(mutex_);
  return dropped_;
}

void AccessLog::Run() {
  std::string batch;
  for (;;) {
    bool ending;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return ending_ || !pending_.empty(); });
      batch.swap(pending_);
      ending = ending_;
    }
    if (!WriteAll(batch)) return;
    batch.clear();
    if (ending) return;
  }
}

// A reader that has stopped must not hold up our end, so nothing is written that could block: a pipe that is
// writable at all takes PIPE_BUF bytes.
bool AccessLog::WriteAll(std::string_view left) {
  std::optional<std::chrono::steady_clock::time_point> deadline;
  while (!left.empty()) {
    if (!deadline && Ending()) deadline = std::chrono::steady_clock::now() + kGoodbye;
    if (deadline && std::chrono::steady_clock::now() >= *deadline) return false;
    pollfd writable{fd_, POLLOUT, 0};
    const int ready = poll(&writable, 1, kPollMilliseconds);
    if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
    const ssize_t written = write(fd_, left.data(), std::min<size_t>(left.size(), PIPE_BUF));
    if (written <= 0) return true;  // nobody reads any more; the next lines may find somebody
    left.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

bool AccessLog::Ending() const {
  std::lock_guard lock(mutex_);
  return ending_;
}

void AppendJsonEscaped(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const char c = text[0];
    const size_t length = Utf8Length(text);
    if (length == 0) {
      out += "\\ufffd";
      text.remove_prefix(1);
      continue;
    }
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", c);
      out += escaped;
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
}

}  // namespace tulle::sidecar::telemetry
