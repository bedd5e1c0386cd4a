#include "sidecar/route/pattern.h"

#include <re2/re2.h>

namespace tulle::sidecar::route {
namespace {

std::shared_ptr<const re2::RE2> Compile(const std::string& pattern) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  return std::make_shared<const re2::RE2>(pattern, options);
}

bool FullMatch(const re2::RE2& regex, std::string_view text) {
  return regex.ok() && re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), regex);
}

// "/a" takes "/a" and "/a/b" but not "/ab"; a trailing slash of the prefix does not matter.
bool PrefixMatches(std::string_view prefix, std::string_view path) {
  if (prefix.ends_with('/')) prefix.remove_suffix(1);
  return path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
}

}  // namespace

PathPattern::PathPattern(const meshconfig::PathMatch& match) : match_(match) {
  if (match.regex) regex_ = Compile(match.regex->pattern);
}

bool PathPattern::Matches(std::string_view path) const {
  if (match_.exact) return path == *match_.exact;
  if (match_.prefix) return PrefixMatches(*match_.prefix, path);
  return regex_ != nullptr && FullMatch(*regex_, path);
}

ValuePattern::ValuePattern(const json::Regex& regex) : regex_(Compile(regex.pattern)) {}

bool ValuePattern::Matches(std::string_view value) const { return FullMatch(*regex_, value); }

}  // namespace tulle::sidecar::route
