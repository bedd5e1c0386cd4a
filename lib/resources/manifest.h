#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/json/fields.h"

namespace tulle::resources {

inline constexpr size_t kMaxManifestBytes = 8 << 20;
inline constexpr size_t kMaxManifestNodes = 1 << 20;  // counted with aliases expanded

// Reads a manifest file: any number of YAML 1.2 documents (JSON is one kind of them), each as the JSON value
// that kubectl would send; empty documents are skipped and a List is taken apart. Refuses what has surprised
// people: a key twice in a mapping, keys that are no strings, and aliases that multiply without bound. Never
// throws.
base::Result<std::vector<nlohmann::json>, json::Problems> ReadManifest(std::string_view text);

}  // namespace tulle::resources
