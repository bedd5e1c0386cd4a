#pragma once

#include <functional>
#include <string>

namespace tulle::netns {

// A network namespace without a name: it lives as long as this object and the processes in it, so that a test
// that dies leaves nothing behind. Loopback is up. Making one needs root; see WhyNot().
class Namespace {
 public:
  Namespace();
  ~Namespace();
  Namespace(const Namespace&) = delete;
  Namespace& operator=(const Namespace&) = delete;

  // Runs `work` with the calling thread inside. Sockets made there stay there.
  void Run(const std::function<void()>& work) const;

  // A veth pair: `name` here with `addresses` ("10.0.0.1/24"), `peer_name` in `peer`.
  void Connect(const Namespace& peer, const std::string& name, const std::string& peer_name) const;
  void AddAddress(const std::string& interface, const std::string& address) const;

  // Why namespaces cannot be made here, or an empty string.
  static std::string WhyNot();

 private:
  int fd_;
};

struct CommandEnd {
  int exit_status;
  std::string output;  // stdout and stderr together
};

// Runs a shell command in the calling thread's namespace.
CommandEnd Shell(const std::string& command);

}  // namespace tulle::netns
