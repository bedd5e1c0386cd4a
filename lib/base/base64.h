#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tulle::base {

// RFC 4648, the standard alphabet with padding, as Secrets and admission patches use it.
std::string EncodeBase64(std::string_view bytes);

// Nothing when `text` is not exactly that: no line breaks, no missing padding, no stray bits.
std::optional<std::string> DecodeBase64(std::string_view text);

}  // namespace tulle::base
