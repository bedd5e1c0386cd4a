#include "sidecar/admin/dial.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tulle::sidecar::admin {

Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

Descriptor DialBlocking(const std::string& ip, uint16_t port, int timeout_seconds) {
  sockaddr_in6 v6{};
  sockaddr_in v4{};
  const bool is_v6 = ip.find(':') != std::string::npos;
  Descriptor dialed(socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!dialed.ok()) return dialed;
  const timeval limit{timeout_seconds, 0};
  setsockopt(dialed.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(dialed.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);  // bounds connect as well
  v6.sin6_family = AF_INET6;
  v4.sin_family = AF_INET;
  v6.sin6_port = v4.sin_port = htons(port);
  inet_pton(AF_INET6, ip.c_str(), &v6.sin6_addr);
  inet_pton(AF_INET, ip.c_str(), &v4.sin_addr);
  const int outcome = is_v6 ? connect(dialed.get(), reinterpret_cast<sockaddr*>(&v6), sizeof v6)
                            : connect(dialed.get(), reinterpret_cast<sockaddr*>(&v4), sizeof v4);
  return outcome == 0 ? std::move(dialed) : Descriptor(-1);
}

}  // namespace tulle::sidecar::admin
