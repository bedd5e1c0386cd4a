#include "sidecar/route/edit.h"

namespace tulle::sidecar::route {
namespace {

std::string_view QueryWithMark(std::string_view target) {
  const size_t at = target.find('?');
  return at == std::string_view::npos ? std::string_view() : target.substr(at);
}

// A Host header without its port.
std::string_view WithoutPort(std::string_view host) {
  const size_t colon = host.rfind(':');
  const size_t bracket = host.rfind(']');
  if (colon == host.npos || (bracket != host.npos && colon < bracket)) return host;
  return host.substr(0, colon);
}

}  // namespace

std::string EditPath(const meshconfig::PathEdit& edit, std::string_view path, std::string_view prefix) {
  if (edit.replace) return *edit.replace;
  if (prefix.ends_with('/')) prefix.remove_suffix(1);
  std::string_view start = *edit.replace_prefix;
  if (start.ends_with('/')) start.remove_suffix(1);
  std::string edited(start);
  edited += path.substr(std::min(prefix.size(), path.size()));
  return edited.empty() ? "/" : edited;
}

std::string EditTarget(const meshconfig::PathEdit& edit, const http::RequestHead& head,
                       std::string_view prefix) {
  // OPTIONS * is about the server, not about a path of it.
  if (head.target == "*") return "*";
  return EditPath(edit, head.path(), prefix) + std::string(QueryWithMark(head.target));
}

std::string Location(const meshconfig::Redirect& redirect, const http::RequestHead& head,
                     std::string_view prefix, uint16_t port) {
  const bool https = redirect.scheme == meshconfig::Scheme::kHttps;
  std::string location = https ? "https://" : "http://";
  const std::string_view asked = head.authority().empty() ? head.host() : head.authority();
  location += redirect.host ? std::string_view(*redirect.host) : WithoutPort(asked);
  int64_t to = https ? 443 : 80;
  if (redirect.port) {
    to = *redirect.port;
  } else if (!redirect.scheme) {
    to = port;
  }
  if (to != (https ? 443 : 80)) location += ":" + std::to_string(to);
  location += redirect.path ? EditPath(*redirect.path, head.path(), prefix) : std::string(head.path());
  return location += QueryWithMark(head.target);
}

http::HeaderEdits CompileEdits(const meshconfig::HeaderEdits& edits) {
  http::HeaderEdits compiled;
  compiled.set.assign(edits.set.begin(), edits.set.end());
  compiled.add.assign(edits.add.begin(), edits.add.end());
  compiled.remove = edits.remove;
  return compiled;
}

}  // namespace tulle::sidecar::route
