#include "webhook/inject/exclusions.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "lib/json/lookup.h"
#include "lib/json/path.h"
#include "webhook/inject/names.h"

namespace tulle::webhook::inject {
namespace {

std::optional<int> Number(std::string_view text, int least, int most) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < least || number > most) return {};
  return number;
}

bool IsPort(const std::string& text) { return Number(text, 1, 65535).has_value(); }

bool IsCidr(const std::string& text) {
  const size_t slash = text.find('/');
  if (slash == text.npos) return false;
  const std::string address = text.substr(0, slash);
  const std::string_view prefix = std::string_view(text).substr(slash + 1);
  unsigned char bytes[16];
  if (inet_pton(AF_INET, address.c_str(), bytes) == 1) return Number(prefix, 0, 32).has_value();
  return inet_pton(AF_INET6, address.c_str(), bytes) == 1 && Number(prefix, 0, 128).has_value();
}

std::string_view Trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\n");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\n") - first + 1);
}

// Appends what a comma list in an annotation names; returns what is wrong with it, empty when nothing is.
std::string ReadList(const nlohmann::json& annotations, std::string_view annotation,
                     bool (*valid)(const std::string&), const char* expected, std::vector<std::string>& out) {
  const std::string value = json::TextAt(annotations, annotation);
  if (Trimmed(value).empty()) return {};
  const auto problem = [&](const std::string& message) {
    return "annotation " + std::string(annotation) + ": " + json::Quote(value) + ": " + message;
  };
  for (std::string_view rest = value; !rest.empty();) {
    const size_t comma = std::min(rest.find(','), rest.size());
    const std::string item(Trimmed(rest.substr(0, comma)));
    const bool trailing_comma = comma + 1 == rest.size();
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    if (trailing_comma || !valid(item)) {
      return problem(json::Quote(trailing_comma && valid(item) ? "" : item) + " is not " + expected);
    }
    if (std::find(out.begin(), out.end(), item) == out.end()) out.push_back(item);
    if (out.size() > kMaxExclusions)
      return problem("more than " + std::to_string(kMaxExclusions) + " entries");
  }
  return {};
}

}  // namespace

base::Result<Exclusions> ReadExclusions(const nlohmann::json& annotations) {
  constexpr const char* kPort = "a port (1 to 65535)";
  constexpr const char* kCidr = "a CIDR such as 10.0.0.0/8 or fd00::/8";
  Exclusions out;
  for (const std::string& problem :
       {ReadList(annotations, kExcludeInboundPorts, IsPort, kPort, out.inbound_ports),
        ReadList(annotations, kExcludeOutboundPorts, IsPort, kPort, out.outbound_ports),
        ReadList(annotations, kExcludeOutboundCidrs, IsCidr, kCidr, out.outbound_cidrs)}) {
    if (!problem.empty()) return base::Failure{problem};
  }
  return out;
}

}  // namespace tulle::webhook::inject
