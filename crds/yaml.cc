#include "crds/yaml.h"

#include <cctype>
#include <nlohmann/json.hpp>

namespace tulle::crds {
namespace {

using Json = nlohmann::ordered_json;

// A string that no reader of YAML 1.1 or 1.2 takes for anything but itself.
bool IsPlain(const std::string& text) {
  if (text.empty() ||
      !(std::isalpha(static_cast<unsigned char>(text[0])) || text[0] == '.' || text[0] == '/')) {
    return false;
  }
  for (const char* word : {"true", "false", "null", "yes", "no", "on", "off", "y", "n", ".inf", ".nan"}) {
    std::string lower = text;
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (lower == word) return false;
  }
  for (const char c : text) {
    const bool harmless = std::isalnum(static_cast<unsigned char>(c)) ||
                          std::string_view(" ./_-()=<>;,").find(c) != std::string_view::npos;
    if (!harmless) return false;
  }
  return text.back() != ' ';
}

std::string Scalar(const Json& value) {
  if (value.is_string() && IsPlain(value.get_ref<const std::string&>())) return value.get<std::string>();
  return value.dump();  // a JSON string is a double-quoted YAML string
}

bool IsBlock(const Json& value) { return value.is_structured() && !value.empty(); }

void Append(std::string& out, const Json& value, size_t indent, bool after_dash) {
  bool first = true;
  const auto start_line = [&] {
    if (!(after_dash && first)) out.append(indent, ' ');
    first = false;
  };
  if (value.is_array()) {
    for (const Json& item : value) {
      start_line();
      out += "- ";
      if (IsBlock(item)) {
        Append(out, item, indent + 2, true);
      } else {
        out += Scalar(item) + "\n";
      }
    }
    return;
  }
  for (const auto& [key, member] : value.items()) {
    start_line();
    out += Scalar(key) + ":";
    if (IsBlock(member)) {
      out += '\n';
      Append(out, member, indent + (member.is_array() ? 0 : 2), false);
    } else {
      out += " " + Scalar(member) + "\n";
    }
  }
}

}  // namespace

std::string PrintYaml(const Json& value) {
  if (!IsBlock(value)) return Scalar(value) + "\n";
  std::string out;
  Append(out, value, 0, false);
  return out;
}

}  // namespace tulle::crds
