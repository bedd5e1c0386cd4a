#pragma once

#include <map>
#include <string>

namespace tulle::resources {

using Labels = std::map<std::string, std::string>;

// What Kubernetes takes for labels: an optional DNS prefix and a name as key.
inline constexpr const char* kLabelKey =
    "([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?";
inline constexpr const char* kLabelValue = "([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?";

}  // namespace tulle::resources
