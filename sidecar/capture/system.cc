#include "sidecar/capture/system.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <system_error>

namespace tulle::sidecar::capture {
namespace {

// A file in memory. Files instead of pipes: nobody can block on anybody.
class MemoryFile {
 public:
  explicit MemoryFile(const std::string& content) : fd_(memfd_create("tulle-init", MFD_CLOEXEC)) {
    if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "memfd_create");
    if (pwrite(fd_, content.data(), content.size(), 0) != static_cast<ssize_t>(content.size())) {
      throw std::system_error(errno, std::generic_category(), "write to a memory file");
    }
  }
  ~MemoryFile() { close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  int fd() const { return fd_; }
  std::string Content() const {
    std::string content;
    std::array<char, 4096> part;
    ssize_t length = 0;
    while ((length = pread(fd_, part.data(), part.size(), static_cast<off_t>(content.size()))) > 0) {
      content.append(part.data(), static_cast<size_t>(length));
    }
    return content;
  }

 private:
  int fd_;
};

std::vector<std::string> Environment() {
  std::vector<std::string> variables{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                                     "LC_ALL=C"};
  // Legacy iptables insists on a lock file; the root filesystem of a pod may be read-only.
  if (access("/run", W_OK) != 0) variables.push_back("XTABLES_LOCKFILE=/dev/shm/xtables.lock");
  return variables;
}

std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (auto& string : strings) pointers.push_back(string.data());
  pointers.push_back(nullptr);
  return pointers;
}

// The pid, or 0 if there is no such program.
pid_t Spawn(std::vector<std::string> argv, int in, int out, int err) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in, 0);
  posix_spawn_file_actions_adddup2(&actions, out, 1);
  posix_spawn_file_actions_adddup2(&actions, err, 2);
  auto environment = Environment();
  const std::string name = argv[0];
  pid_t pid = 0;
  int error = ENOENT;
  for (const std::string folder : {"/usr/sbin/", "/sbin/", "/usr/local/sbin/"}) {
    const std::string path = folder + name;
    error = posix_spawn(&pid, path.c_str(), &actions, nullptr, Pointers(argv).data(),
                        Pointers(environment).data());
    if (error != ENOENT) break;
  }
  posix_spawn_file_actions_destroy(&actions);
  return error == 0 ? pid : 0;
}

}  // namespace

ProgramEnd LinuxSystem::Run(const std::vector<std::string>& argv, const std::string& input) {
  const MemoryFile in(input), out(""), err("");
  lseek(in.fd(), 0, SEEK_SET);
  const pid_t pid = Spawn(argv, in.fd(), out.fd(), err.fd());
  if (pid == 0) return {};
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  const int exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return {true, exit_status, out.Content(), err.Content()};
}

bool LinuxSystem::HasNetAdmin() const {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with("CapEff:")) continue;
    return (std::stoull(line.substr(7), nullptr, 16) >> CAP_NET_ADMIN) & 1;
  }
  return true;  // no /proc: let the kernel decide
}

bool LinuxSystem::HasIpv6() const {
  const int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno != EAFNOSUPPORT;
  close(fd);
  return true;
}

bool LinuxSystem::HasLegacyNat(Family family) const {
  std::ifstream names(family == Family::kIpv4 ? "/proc/self/net/ip_tables_names"
                                              : "/proc/self/net/ip6_tables_names");
  for (std::string name; std::getline(names, name);) {
    if (name == "nat") return true;
  }
  return false;
}

}  // namespace tulle::sidecar::capture
