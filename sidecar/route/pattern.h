#pragma once

#include <memory>
#include <string_view>

#include "lib/meshconfig/types.h"

namespace re2 {
class RE2;
}

namespace tulle::sidecar::route {

// A PathMatch, ready to be asked. Immutable; may be shared by threads. The config that it comes from was
// validated, so a regex that does not compile matches nothing.
class PathPattern {
 public:
  explicit PathPattern(const meshconfig::PathMatch& match);
  bool Matches(std::string_view path) const;

 private:
  meshconfig::PathMatch match_;
  std::shared_ptr<const re2::RE2> regex_;
};

// A compiled regular expression that must match whole values.
class ValuePattern {
 public:
  explicit ValuePattern(const json::Regex& regex);
  bool Matches(std::string_view value) const;

 private:
  std::shared_ptr<const re2::RE2> regex_;
};

}  // namespace tulle::sidecar::route
