#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "sidecar/capture/settings.h"
#include "sidecar/capture/system.h"

namespace tulle::sidecar::capture {

enum class Flavour { kAuto, kNft, kLegacy };

base::Result<Flavour> ParseFlavour(std::string_view text);

// What was done, one sentence per line, for the log.
using Report = std::vector<std::string>;

// Writes the redirect rules into the network namespace of this process, reads them back, and compares.
// Running it again replaces the rules of the last run, whichever flavour they were in.
//
// A failure says what could not be done, why (in the words of the tool), and what would help. IPv6 is left
// out only where the kernel has no AF_INET6 at all; anything less would leave a way around the mesh.
//
// Lives on main's stack; `system` must outlive it.
class Installer {
 public:
  explicit Installer(System& system) : system_(system) {}

  base::Result<Report> Install(const Settings& settings, Flavour flavour);
  base::Result<Report> Remove();

 private:
  base::Result<std::string> InstallFamily(const Settings& settings, Family family, Flavour flavour);
  base::Result<std::string> WriteAndVerify(const Settings& settings, Family family, Flavour flavour);
  base::Result<std::string> RemoveFrom(Family family, Flavour flavour);
  base::Result<std::string> Save(Family family, Flavour flavour);
  base::Result<std::string> Restore(Family family, Flavour flavour, const std::string& text);

  System& system_;
};

}  // namespace tulle::sidecar::capture
