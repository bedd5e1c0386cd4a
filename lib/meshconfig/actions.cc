#include "lib/meshconfig/actions.h"

#include <algorithm>
#include <cctype>

namespace tulle::meshconfig {

bool IsEditableHeader(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const std::string_view fixed : {"host", "connection", "keep-alive", "proxy-connection", "te",
                                       "trailer", "transfer-encoding", "upgrade", "content-length"}) {
    if (lower == fixed) return false;
  }
  return !lower.starts_with("x-tulle") && !lower.starts_with("x_tulle");
}

bool HeaderEdits::OnlyEditable() const {
  for (const auto* fields : {&set, &add}) {
    for (const auto& [name, value] : *fields) {
      if (!IsEditableHeader(name)) return false;
    }
  }
  return std::all_of(remove.begin(), remove.end(), IsEditableHeader);
}

}  // namespace tulle::meshconfig
