#pragma once

#include <string>
#include <string_view>

namespace tulle::meshconfig {

// First 16 hex digits of SHA-256: what a version and a state hash are made of.
std::string Digest(std::string_view text);

}  // namespace tulle::meshconfig
