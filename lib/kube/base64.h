#pragma once

#include <optional>
#include <string>
#include <string_view>

// The form of Secret data.
namespace tulle::kube {

std::string Base64(std::string_view bytes);
std::optional<std::string> FromBase64(std::string_view text);

}  // namespace tulle::kube
