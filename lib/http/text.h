#pragma once

#include <string_view>

// Character classes and comparisons of RFC 9110 section 5.6.
namespace tulle::http {

// tchar: what methods and header names are made of.
bool IsTokenChar(char c);
bool IsToken(std::string_view text);

bool EqualsIgnoreCase(std::string_view a, std::string_view b);
bool StartsWithIgnoreCase(std::string_view text, std::string_view prefix);

// Without spaces and tabs at both ends.
std::string_view Trim(std::string_view text);

// Calls visit(element) for each non-empty element of a comma-separated list.
template <class Visit>
void ForEachElement(std::string_view list, Visit visit) {
  while (!list.empty()) {
    const size_t comma = list.find(',');
    const std::string_view element = Trim(list.substr(0, comma));
    if (!element.empty()) visit(element);
    if (comma == std::string_view::npos) return;
    list.remove_prefix(comma + 1);
  }
}

}  // namespace tulle::http
