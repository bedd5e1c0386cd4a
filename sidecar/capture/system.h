#pragma once

#include <string>
#include <vector>

#include "sidecar/capture/settings.h"

namespace tulle::sidecar::capture {

// How a program ended. `started` is false if there is no such program; then nothing else is set.
struct ProgramEnd {
  bool started = false;
  int exit_status = -1;
  std::string out;
  std::string err;
};

// What the installer needs from the machine it runs on: a seam, so that its decisions can be tested
// without root. One thread.
class System {
 public:
  virtual ~System() = default;

  // Runs `argv` to its end with `input` on stdin. argv[0] is a bare name.
  virtual ProgramEnd Run(const std::vector<std::string>& argv, const std::string& input) = 0;
  virtual bool HasNetAdmin() const = 0;
  virtual bool HasIpv6() const = 0;
  // Whether this network namespace already has a legacy nat table. Reading a table that is not there would
  // make it.
  virtual bool HasLegacyNat(Family family) const = 0;
};

// The machine itself, as far as this process's network namespace shows it.
class LinuxSystem final : public System {
 public:
  ProgramEnd Run(const std::vector<std::string>& argv, const std::string& input) override;
  bool HasNetAdmin() const override;
  bool HasIpv6() const override;
  bool HasLegacyNat(Family family) const override;
};

}  // namespace tulle::sidecar::capture
