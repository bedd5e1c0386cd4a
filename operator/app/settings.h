#pragma once

#include <chrono>
#include <string>

#include "lib/io/address.h"

namespace tulle::control::app {

// What the command line says.
struct Settings {
  std::string registry_directory;  // empty = the Kubernetes API
  std::string tokens_file;         // with a directory
  std::string ca_directory;        // with a directory
  io::SocketAddress listen;
  io::SocketAddress health;
  std::string trust_domain = "cluster.local";
  std::chrono::seconds certificate_lifetime{24 * 3600};
  std::string ns = "tulle-system";
  std::string pod_name;

  bool on_kubernetes() const { return registry_directory.empty(); }
};

}  // namespace tulle::control::app
