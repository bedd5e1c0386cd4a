#pragma once

#include <cstdint>
#include <string>

namespace tulle::sidecar::admin {

// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor();
  int get() const { return fd_; }
  bool ok() const { return fd_ >= 0; }

 private:
  int fd_;
};

// A connected blocking socket whose every operation ends within the timeout; not ok() with errno set where
// there is none.
Descriptor DialBlocking(const std::string& ip, uint16_t port, int timeout_seconds);

}  // namespace tulle::sidecar::admin
