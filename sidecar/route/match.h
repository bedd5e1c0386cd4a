#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/http/head.h"
#include "lib/meshconfig/match.h"
#include "sidecar/route/pattern.h"

namespace tulle::sidecar::route {

// What of a connection or request rules may look at. A connection that is not HTTP has no head.
struct RequestView {
  const http::RequestHead* head = nullptr;
  std::string_view source = {};  // workload that calls: "shop/web"
};

// The value of a query parameter as it is written, or of a cookie; the first of that name, nothing where
// there is none. A view into the head.
std::optional<std::string_view> QueryParameter(const http::RequestHead& head, std::string_view name);
std::optional<std::string_view> Cookie(const http::RequestHead& head, std::string_view name);

// One alternative of a rule, ready to be asked. Immutable.
class Match {
 public:
  explicit Match(const meshconfig::RequestMatch& match);

  bool Matches(const RequestView& request) const;
  // The prefix that the path must have; "/" where it may be any. Lives as long as the match.
  std::string_view prefix() const { return prefix_; }

 private:
  struct ValueTest {
    std::string name;
    std::optional<std::string> exact;
    std::optional<ValuePattern> regex;
    bool Matches(std::optional<std::string_view> value) const;
  };
  template <class Test>
  static std::vector<ValueTest> Compile(const std::vector<Test>& tests);
  bool SourceMatches(std::string_view source) const;
  bool HeadMatches(const http::RequestHead& head) const;

  bool of_http_ = false;  // looks at something that only HTTP has
  std::optional<PathPattern> path_;
  std::string prefix_ = "/";
  std::optional<std::string> method_;
  std::vector<ValueTest> headers_;
  std::vector<ValueTest> query_;
  std::vector<ValueTest> cookies_;
  std::optional<meshconfig::SourceMatch> source_;
};

}  // namespace tulle::sidecar::route
