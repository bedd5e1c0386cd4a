#include "sidecar/route/match.h"

#include <re2/re2.h>

#include "lib/http/text.h"

namespace tulle::sidecar::route {
namespace {

// The value behind "name=" in the first of the parts of `text` that `separator` divides.
std::optional<std::string_view> ValueOf(std::string_view text, char separator, std::string_view name) {
  while (!text.empty()) {
    const size_t end = std::min(text.find(separator), text.size());
    std::string_view part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (part.starts_with(' ')) part.remove_prefix(1);
    if (!part.starts_with(name)) continue;
    part.remove_prefix(name.size());
    if (part.empty()) return part;
    if (part.front() == '=') return part.substr(1);
  }
  return std::nullopt;
}

// gRPC's methods as paths.
meshconfig::PathMatch PathOf(const meshconfig::GrpcMatch& grpc) {
  meshconfig::PathMatch path;
  if (grpc.service && grpc.method) {
    path.exact = "/" + *grpc.service + "/" + *grpc.method;
  } else if (grpc.service) {
    path.prefix = "/" + *grpc.service;
  } else {
    path.regex.emplace().pattern = "/[^/]+/" + re2::RE2::QuoteMeta(grpc.method.value_or(""));
  }
  return path;
}

}  // namespace

std::optional<std::string_view> QueryParameter(const http::RequestHead& head, std::string_view name) {
  const size_t at = head.target.find('?');
  if (at == std::string_view::npos) return std::nullopt;
  return ValueOf(head.target.substr(at + 1), '&', name);
}

std::optional<std::string_view> Cookie(const http::RequestHead& head, std::string_view name) {
  for (const http::Header& header : head.headers) {
    if (!http::EqualsIgnoreCase(header.name, "cookie")) continue;
    if (const auto value = ValueOf(header.value, ';', name)) return value;
  }
  return std::nullopt;
}

bool Match::ValueTest::Matches(std::optional<std::string_view> value) const {
  if (!value) return false;
  return exact ? *value == *exact : regex->Matches(*value);
}

template <class Test>
std::vector<Match::ValueTest> Match::Compile(const std::vector<Test>& tests) {
  std::vector<ValueTest> compiled;
  for (const Test& test : tests) {
    ValueTest& made = compiled.emplace_back(ValueTest{test.name, test.exact, std::nullopt});
    if (test.regex) made.regex.emplace(*test.regex);
  }
  return compiled;
}

Match::Match(const meshconfig::RequestMatch& match)
    : method_(match.method),
      headers_(Compile(match.headers)),
      query_(Compile(match.query)),
      cookies_(Compile(match.cookies)),
      source_(match.source) {
  if (match.path) path_.emplace(*match.path);
  if (match.grpc) path_.emplace(PathOf(*match.grpc));
  if (match.path && match.path->prefix) prefix_ = *match.path->prefix;
  of_http_ = path_ || method_ || !headers_.empty() || !query_.empty() || !cookies_.empty();
}

bool Match::SourceMatches(std::string_view source) const {
  if (!source_) return true;
  const size_t slash = source.find('/');
  return source.substr(0, slash) == source_->ns &&
         (!source_->workload || (slash != source.npos && source.substr(slash + 1) == *source_->workload));
}

bool Match::HeadMatches(const http::RequestHead& head) const {
  if (method_ && head.method != *method_) return false;
  if (path_ && !path_->Matches(head.path())) return false;
  for (const ValueTest& test : headers_) {
    const http::Header* header = head.Find(test.name);
    if (header == nullptr || !test.Matches(header->value)) return false;
  }
  for (const ValueTest& test : query_) {
    if (!test.Matches(QueryParameter(head, test.name))) return false;
  }
  for (const ValueTest& test : cookies_) {
    if (!test.Matches(Cookie(head, test.name))) return false;
  }
  return true;
}

bool Match::Matches(const RequestView& request) const {
  if (!SourceMatches(request.source)) return false;
  if (request.head == nullptr) return !of_http_;
  return HeadMatches(*request.head);
}

}  // namespace tulle::sidecar::route
