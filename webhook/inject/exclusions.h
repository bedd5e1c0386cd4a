#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "lib/base/result.h"

namespace tulle::webhook::inject {

inline constexpr size_t kMaxExclusions = 64;  // per annotation

// Traffic of a pod that is left alone, as its annotations say.
struct Exclusions {
  std::vector<std::string> inbound_ports;
  std::vector<std::string> outbound_ports;
  std::vector<std::string> outbound_cidrs;
};

// Reads the annotations. A failure names annotation and value.
base::Result<Exclusions> ReadExclusions(const nlohmann::json& annotations);

}  // namespace tulle::webhook::inject
