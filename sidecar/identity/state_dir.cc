#include "sidecar/identity/state_dir.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>

namespace tulle::sidecar::identity {

StateDir::StateDir(std::string path) : path_(std::move(path)) {
  struct statfs facts;
  if (!path_.empty() && statfs(path_.c_str(), &facts) == 0) {
    in_memory_ = facts.f_type == TMPFS_MAGIC || facts.f_type == RAMFS_MAGIC;
  }
}

std::optional<std::string> StateDir::Read(std::string_view name) const {
  if (path_.empty()) return std::nullopt;
  std::ifstream file(path_ + "/" + std::string(name), std::ios::binary);
  if (!file) return std::nullopt;
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

base::Result<bool> StateDir::Write(std::string_view name, std::string_view content, bool secret) const {
  if (path_.empty() || (secret && !in_memory_)) return false;
  const std::string target = path_ + "/" + std::string(name);
  const std::string fresh = target + ".new";
  const int fd = open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  bool whole = fd >= 0;
  while (whole && !content.empty()) {
    const ssize_t written = write(fd, content.data(), content.size());
    whole = written > 0;
    if (whole) content.remove_prefix(static_cast<size_t>(written));
  }
  const int error = errno;
  if (fd >= 0) close(fd);
  if (whole && rename(fresh.c_str(), target.c_str()) == 0) return true;
  unlink(fresh.c_str());
  return base::Failure{target + ": " + std::strerror(whole ? errno : error)};
}

}  // namespace tulle::sidecar::identity
