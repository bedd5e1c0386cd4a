#include "sidecar/access/access.h"

#include <algorithm>

#include "lib/http/text.h"

namespace tulle::sidecar::access {
namespace {

template <class T, class U>
bool Contains(const std::vector<T>& list, const U& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The byte that a percent sign at the start of `text` stands for; nothing where two hex digits are missing.
std::optional<unsigned char> EncodedByte(std::string_view text) {
  if (text.size() < 3 || HexValue(text[1]) < 0 || HexValue(text[2]) < 0) return std::nullopt;
  return static_cast<unsigned char>(HexValue(text[1]) * 16 + HexValue(text[2]));
}

// Nobody who means well encodes these (RFC 3986 section 2.3), and a server that decodes first would see
// another path than the rules did.
bool MayBeEncoded(unsigned char byte) {
  const bool unreserved = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                          (byte >= '0' && byte <= '9') || byte == '-' || byte == '_' || byte == '~';
  const bool structure = byte == '/' || byte == '.' || byte == '\\' || byte == '%' || byte == ';';
  return byte >= 0x20 && byte != 0x7f && !unreserved && !structure;
}

// `path` as every reader understands it: visible characters written as themselves, the rest encoded in upper
// case. Rules and requests are compared in this form, so that /a:b, /a%3ab and /a%3Ab are one path.
std::string Canonical(std::string_view path) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string text;
  for (size_t i = 0; i < path.size(); ++i) {
    const auto encoded = path[i] == '%' ? EncodedByte(path.substr(i)) : std::nullopt;
    const unsigned char byte = encoded.value_or(static_cast<unsigned char>(path[i]));
    const bool visible = byte > 0x20 && byte < 0x7f;
    if (visible && (!encoded || MayBeEncoded(byte))) {
      text += static_cast<char>(byte);
    } else {
      text += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
    if (encoded) i += 2;
  }
  return text;
}

meshconfig::PathMatch Canonical(meshconfig::PathMatch match) {
  if (match.exact) match.exact = Canonical(*match.exact);
  if (match.prefix) match.prefix = Canonical(*match.prefix);
  return match;
}

// `account` is "<namespace>/<service account>".
bool IsAccount(std::string_view account, const identity::SpiffeId& id) {
  return account.size() == id.ns.size() + 1 + id.service_account.size() && account.starts_with(id.ns) &&
         account[id.ns.size()] == '/' && account.ends_with(id.service_account);
}

std::string PolicyOf(std::string_view rule_name) {
  return std::string(rule_name.substr(0, rule_name.rfind('#')));
}

}  // namespace

Target::Target(const meshconfig::AccessTo& to) : ports_(to.ports), methods_(to.methods) {
  for (const meshconfig::PathMatch& path : to.paths) paths_.emplace_back(Canonical(path));
}

Policy::Policy(const meshconfig::Workload& workload)
    : mtls_(workload.mtls), mtls_source_(workload.mtls_source) {
  std::vector<std::string> allowing;
  for (const meshconfig::AccessRule& rule : workload.rules) {
    Rule made{rule.name, rule.action, rule.from, {}};
    for (const meshconfig::AccessTo& to : rule.to) {
      made.to.emplace_back(to);
      looks_at_paths_ |= made.to.back().looks_at_paths();
    }
    const std::string policy = PolicyOf(rule.name);
    if (rule.action == meshconfig::AccessAction::kAllow && !Contains(allowing, policy))
      allowing.push_back(policy);
    rules_.push_back(std::move(made));
  }
  for (const std::string& policy : allowing) allow_policies_ += (allow_policies_.empty() ? "" : ",") + policy;
}

bool Policy::MatchesFrom(const meshconfig::AccessFrom& from, const Call& call,
                         meshconfig::AccessAction action) {
  if (from.identities.empty() && from.namespaces.empty() && from.service_accounts.empty()) return true;
  // Nobody escapes a denial by not saying who he is.
  if (call.caller == nullptr) return action == meshconfig::AccessAction::kDeny;
  if (!from.identities.empty() && !Contains(from.identities, call.caller->text)) return false;
  if (!from.namespaces.empty() && !Contains(from.namespaces, call.caller->id.ns)) return false;
  return from.service_accounts.empty() ||
         std::any_of(from.service_accounts.begin(), from.service_accounts.end(),
                     [&](std::string_view account) { return IsAccount(account, call.caller->id); });
}

bool Target::Matches(const Call& call, bool in_doubt) const {
  if (!ports_.empty() && !Contains(ports_, int64_t{call.port})) return false;
  // What cannot be seen cannot be allowed, and does not shield from a denial.
  if (call.head == nullptr) return (methods_.empty() && paths_.empty()) || in_doubt;
  // Some apps take "delete" for DELETE: enough to deny it, not to allow it.
  const auto same_method = [&](const std::string& method) {
    return in_doubt ? http::EqualsIgnoreCase(method, call.head->method) : method == call.head->method;
  };
  if (!methods_.empty() && std::none_of(methods_.begin(), methods_.end(), same_method)) return false;
  if (paths_.empty()) return true;
  // A regex may have been written for what stands on the wire.
  const std::string_view path = call.head->path();
  const bool encoded = path.find('%') != std::string_view::npos;
  const std::string canonical = encoded ? Canonical(path) : std::string();
  return std::any_of(paths_.begin(), paths_.end(), [&](const auto& pattern) {
    return pattern.Matches(path) || (encoded && pattern.Matches(canonical));
  });
}

bool Policy::Matches(const Rule& rule, const Call& call) {
  const bool from = rule.from.empty() ||
                    std::any_of(rule.from.begin(), rule.from.end(),
                                [&](const auto& source) { return MatchesFrom(source, call, rule.action); });
  if (!from) return false;
  const bool deny = rule.action == meshconfig::AccessAction::kDeny;
  return rule.to.empty() || std::any_of(rule.to.begin(), rule.to.end(), [&](const Target& target) {
           return deny ? target.MayInclude(call) : target.Includes(call);
         });
}

Verdict Policy::Evaluate(const Call& call) const {
  if (rules_.empty()) return {};
  if (looks_at_paths_ && call.head != nullptr && !IsUnambiguousPath(call.head->path())) {
    return {false, "access/ambiguous-path"};
  }
  bool any_allow = false;
  bool allowed = false;
  for (const Rule& rule : rules_) {
    const bool allow_rule = rule.action == meshconfig::AccessAction::kAllow;
    any_allow |= allow_rule;
    if (allow_rule && allowed) continue;
    if (!Matches(rule, call)) continue;
    if (!allow_rule) return {false, "access/deny " + rule.name};
    allowed = true;
  }
  if (any_allow && !allowed) return {false, "access/not-allowed " + allow_policies_};
  return {};
}

Verdict Policy::EvaluatePlaintext() const {
  if (mtls_ == meshconfig::MtlsMode::kPermissive) return {};
  return {false, "mtls/strict " + mtls_source_};
}

bool IsUnambiguousPath(std::string_view path) {
  if (path == "*") return true;
  for (size_t i = 0; i < path.size(); ++i) {
    const char c = path[i];
    if (c == '\\' || c == ';') return false;
    if (c == '%') {
      const auto byte = EncodedByte(path.substr(i));
      if (!byte || !MayBeEncoded(*byte)) return false;
    }
    if (c != '/') continue;
    const std::string_view segment = path.substr(i + 1, path.substr(i + 1).find('/'));
    if (segment == "." || segment == "..") return false;
    if (segment.empty() && i + 1 < path.size()) return false;
  }
  return true;
}

}  // namespace tulle::sidecar::access
