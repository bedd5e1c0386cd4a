#include "lib/identity/spiffe.h"

namespace tulle::identity {
namespace {

constexpr std::string_view kScheme = "spiffe://";
constexpr size_t kMaxPartBytes = 253;

bool IsPart(std::string_view part, bool lower_case_only) {
  if (part.empty() || part.size() > kMaxPartBytes || part == "." || part == "..") return false;
  for (char c : part) {
    const bool lower = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    const bool upper = c >= 'A' && c <= 'Z';
    if (!lower && (lower_case_only || !upper)) return false;
  }
  return true;
}

// Cuts `text` at the first `separator`, which must be there.
bool Cut(std::string_view& text, std::string_view separator, std::string_view& before) {
  const size_t at = text.find(separator);
  if (at == std::string_view::npos) return false;
  before = text.substr(0, at);
  text.remove_prefix(at + separator.size());
  return true;
}

std::string Quotable(std::string_view text) {
  std::string out;
  for (char c : text.substr(0, 300)) out += c >= 0x20 && c < 0x7f ? c : '?';
  return out;
}

}  // namespace

base::Result<SpiffeId> ParseSpiffeId(std::string_view text) {
  const base::Failure failure{
      "\"" + Quotable(text) +
      "\" is not an identity of the form spiffe://TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT"};
  if (!text.starts_with(kScheme)) return failure;
  std::string_view rest = text.substr(kScheme.size());
  std::string_view trust_domain, ns;
  if (!Cut(rest, "/ns/", trust_domain) || !Cut(rest, "/sa/", ns)) return failure;
  if (!IsPart(trust_domain, true) || !IsPart(ns, false) || !IsPart(rest, false)) return failure;
  return SpiffeId{std::string(trust_domain), std::string(ns), std::string(rest)};
}

std::string Print(const SpiffeId& id) {
  return std::string(kScheme) + id.trust_domain + "/ns/" + id.ns + "/sa/" + id.service_account;
}

}  // namespace tulle::identity
