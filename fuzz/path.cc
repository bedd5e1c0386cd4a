#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "sidecar/access/access.h"

namespace {

using namespace tulle;
using sidecar::access::IsUnambiguousPath;

void Require(bool holds) {
  if (!holds) std::abort();
}

int Hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c |= 32;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// What a server that is generous with percent signs makes of a path.
std::string Decode(std::string_view path) {
  std::string text;
  for (size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '%' && i + 2 < path.size() && Hex(path[i + 1]) >= 0 && Hex(path[i + 2]) >= 0) {
      text += static_cast<char>(Hex(path[i + 1]) * 16 + Hex(path[i + 2]));
      i += 2;
    } else {
      text += path[i];
    }
  }
  return text;
}

// What a server that cleans paths up makes of it.
std::string Clean(std::string_view path) {
  std::vector<std::string> segments;
  std::string segment;
  const auto end = [&](bool last) {
    if (segment == "..") {
      if (!segments.empty()) segments.pop_back();
    } else if (segment != "." && (!segment.empty() || last)) {
      segments.push_back(segment);
    }
    segment.clear();
  };
  for (const char c : path.substr(1)) {
    if (c == '/' || c == '\\') {
      end(false);
    } else {
      segment += c;
    }
  }
  end(true);
  std::string clean;
  for (const std::string& one : segments) clean += "/" + one;
  return clean.empty() ? "/" : clean;
}

bool Denied(const meshconfig::PathMatch& match, std::string_view path) {
  meshconfig::Workload workload;
  workload.rules = {{"p#0", meshconfig::AccessAction::kDeny, {}, {{{}, {}, {match}}}}};
  http::RequestHead head;
  head.method = "GET";
  head.target = path;
  return !sidecar::access::Policy(workload).Evaluate({nullptr, 80, &head}).allowed;
}

}  // namespace

// Two lines: a pattern and a path. A path that passes as unambiguous is the same to a server that decodes it,
// once or twice, and cleans it up; and a denial reaches every spelling of what it denies.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t newline = text.find('\n');
  if (newline == std::string_view::npos) return 0;
  const std::string_view pattern = text.substr(0, newline), path = text.substr(newline + 1);
  for (const char c : path) {
    if (c <= 0x20 || c >= 0x7f || c == '?' || c == '#') return 0;  // no target of a request has these
  }
  if (!path.starts_with('/')) return 0;

  meshconfig::PathMatch exact, prefix, regex;
  exact.exact = prefix.prefix = std::string(pattern);
  regex.regex = json::Regex{std::string(pattern)};
  const bool by_regex = Denied(regex, path);
  if (!IsUnambiguousPath(path)) {
    Require(by_regex && Denied(exact, path));
    return 0;
  }
  const std::string decoded = Decode(path);
  Require(Decode(decoded) == decoded && Clean(decoded) == decoded);
  if (!pattern.starts_with('/') || !IsUnambiguousPath(pattern)) return 0;
  if (Decode(pattern) == decoded) Require(Denied(exact, path) && Denied(prefix, path));
  const std::string below = std::string(path) + (path.ends_with('/') ? "x" : "/x");
  Require(!Denied(prefix, path) || Denied(prefix, below));
  return 0;
}
