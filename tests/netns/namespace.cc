#include "tests/netns/namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <stdexcept>

namespace tulle::netns {
namespace {

constexpr const char* kOwnNamespace = "/proc/thread-self/ns/net";

void Check(int result, const std::string& what) {
  if (result < 0) throw std::runtime_error(what + ": " + std::strerror(errno));
}

void Must(const std::string& command) {
  const CommandEnd end = Shell(command);
  if (end.exit_status != 0) throw std::runtime_error(command + ": " + end.output);
}

// Brings the calling thread back to the namespace it was in.
class Return {
 public:
  Return() : home_(open(kOwnNamespace, O_RDONLY | O_CLOEXEC)) { Check(home_, kOwnNamespace); }
  ~Return() {
    setns(home_, CLONE_NEWNET);
    close(home_);
  }
  Return(const Return&) = delete;
  Return& operator=(const Return&) = delete;

 private:
  int home_;
};

}  // namespace

Namespace::Namespace() {
  const Return home;
  Check(unshare(CLONE_NEWNET), "unshare");
  fd_ = open(kOwnNamespace, O_RDONLY | O_CLOEXEC);
  Check(fd_, kOwnNamespace);
  Must("ip link set lo up");
}

Namespace::~Namespace() { close(fd_); }

void Namespace::Run(const std::function<void()>& work) const {
  const Return home;
  Check(setns(fd_, CLONE_NEWNET), "setns");
  work();
}

void Namespace::Connect(const Namespace& peer, const std::string& name, const std::string& peer_name) const {
  const std::string peer_path = "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(peer.fd_);
  Run([&] { Must("ip link add " + name + " type veth peer name " + peer_name + " netns " + peer_path); });
  Run([&] { Must("ip link set " + name + " up"); });
  peer.Run([&] { Must("ip link set " + peer_name + " up"); });
}

void Namespace::AddAddress(const std::string& interface, const std::string& address) const {
  const bool ipv6 = address.find(':') != std::string::npos;
  Run([&] { Must("ip addr add " + address + " dev " + interface + (ipv6 ? " nodad" : "")); });
}

std::string Namespace::WhyNot() {
  if (geteuid() != 0) return "needs root to make network namespaces";
  try {
    Namespace probe;
  } catch (const std::runtime_error& error) {
    return std::string("no network namespaces here: ") + error.what();
  }
  return "";
}

CommandEnd Shell(const std::string& command) {
  FILE* pipe = popen(("{ " + command + "; } 2>&1").c_str(), "re");
  if (pipe == nullptr) throw std::runtime_error("popen: " + command);
  CommandEnd end;
  std::array<char, 4096> part;
  for (size_t length; (length = fread(part.data(), 1, part.size(), pipe)) > 0;) {
    end.output.append(part.data(), length);
  }
  const int status = pclose(pipe);
  end.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return end;
}

}  // namespace tulle::netns
