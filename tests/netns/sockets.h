#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace tulle::netns {

// An address and port in words: "10.0.0.1:80" or "[fd00::1]:80".
std::string Print(const std::string& address, uint16_t port);

// A listening TCP socket on all addresses of one family, in the namespace of the thread that makes it.
class Listener {
 public:
  Listener(bool ipv6, uint16_t port);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // The destination that the next waiting connection was first sent to (SO_ORIGINAL_DST; its own address
  // where nothing redirected it), or nothing if no connection is waiting.
  std::optional<std::string> NextOriginalDestination();

 private:
  bool ipv6_;
  int fd_;
};

// Connects as `uid` from the calling thread's namespace, waits at most a second. True if it was accepted by
// anybody.
bool Connect(const std::string& address, uint16_t port, uint32_t uid = 0);

}  // namespace tulle::netns
