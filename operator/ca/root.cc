#include "operator/ca/root.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace tulle::control::ca {
namespace {

std::string ReadWhole(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

base::Failure Cannot(const char* verb, const std::filesystem::path& path) {
  return {std::string("cannot ") + verb + " " + path.string() + ": " + std::strerror(errno)};
}

// Creates the file with its content; fails where it exists.
base::Result<bool> WriteNew(const std::filesystem::path& path, const std::string& text, mode_t mode) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0) return Cannot("create", path);
  const bool written = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const bool closed = close(fd) == 0;
  if (!written || !closed) return Cannot("write", path);
  return true;
}

}  // namespace

base::Result<identity::Authority> RootFromDirectory(const std::filesystem::path& directory,
                                                    identity::Time now) {
  const std::filesystem::path certificate = directory / "ca.crt", key = directory / "ca.key";
  if (std::filesystem::exists(certificate)) {
    base::Result<identity::Authority> root =
        identity::Authority::FromPem(ReadWhole(certificate), ReadWhole(key));
    if (!root.ok()) return base::Failure{directory.string() + ": " + root.failure().what};
    return root;
  }
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  identity::Authority root = identity::Authority::MakeRoot(kRootCommonName, kRootLifetime, now);
  // The certificate last: where it stands, the key stands, too.
  if (auto written = WriteNew(key, root.KeyPem(), 0600); !written.ok()) return written.failure();
  if (auto written = WriteNew(certificate, root.CertificatePem(), 0644); !written.ok())
    return written.failure();
  return root;
}

}  // namespace tulle::control::ca
