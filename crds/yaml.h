#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace tulle::crds {

// The value as YAML in block style, every string that could be taken for something else in double quotes.
// Ends with a newline.
std::string PrintYaml(const nlohmann::ordered_json& value);

}  // namespace tulle::crds
