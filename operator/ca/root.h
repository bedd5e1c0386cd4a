#pragma once

#include <chrono>
#include <filesystem>

#include "lib/identity/authority.h"

namespace tulle::control::ca {

inline constexpr const char* kRootCommonName = "Tulle root";
inline constexpr std::chrono::hours kRootLifetime{24 * 365 * 10};

// The root of a mesh without Kubernetes: ca.crt and ca.key (mode 0600) in `directory`, made on first use.
base::Result<identity::Authority> RootFromDirectory(const std::filesystem::path& directory,
                                                    identity::Time now);

}  // namespace tulle::control::ca
