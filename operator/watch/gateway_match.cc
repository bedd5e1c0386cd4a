#include "operator/watch/gateway_match.h"

#include <strings.h>

#include <set>

namespace tulle::control::watch {
namespace {

using namespace resources::gateway;

struct IgnoringCase {
  bool operator()(const std::string& a, const std::string& b) const {
    return strcasecmp(a.c_str(), b.c_str()) < 0;
  }
};

template <class Condition, class Less>
std::vector<Condition> TranslateValues(const std::vector<ValueMatch>& values) {
  std::vector<Condition> translated;
  std::set<std::string, Less> names;
  for (const ValueMatch& value : values) {
    if (!names.insert(value.name).second) continue;
    Condition& condition = translated.emplace_back();
    condition.name = value.name;
    if (value.type == ValueMatchType::kExact) {
      condition.exact = value.value;
    } else {
      condition.regex = json::Regex{value.value};
    }
  }
  return translated;
}

std::vector<meshconfig::HeaderMatch> TranslateHeaders(const std::vector<ValueMatch>& headers) {
  return TranslateValues<meshconfig::HeaderMatch, IgnoringCase>(headers);
}

std::optional<meshconfig::PathMatch> TranslatePath(const PathMatch& path) {
  meshconfig::PathMatch translated;
  switch (path.type) {
    case PathMatchType::kExact:
      translated.exact = path.value;
      return translated;
    case PathMatchType::kRegularExpression:
      translated.regex = json::Regex{path.value};
      return translated;
    case PathMatchType::kPathPrefix:
      break;
  }
  translated.prefix = WithoutSlash(path.value);
  if (translated.prefix == "/") return std::nullopt;
  return translated;
}

// Where expressions stand is for the mesh to say: after exact paths, before prefixes.
int64_t RankOf(PathMatchType type) {
  switch (type) {
    case PathMatchType::kExact:
      return 2;
    case PathMatchType::kRegularExpression:
      return 1;
    case PathMatchType::kPathPrefix:
      return 0;
  }
  return 0;
}

int64_t Count(size_t size) { return static_cast<int64_t>(size); }

// gRPC names a method in the path: /service/method.
void TranslateMethod(const MethodMatch& method, meshconfig::RequestMatch& match) {
  if (method.service.empty() && method.method.empty()) return;
  if (method.type == ValueMatchType::kRegularExpression) {
    const auto part = [](const std::string& name) { return name.empty() ? "[^/]+" : "(?:" + name + ")"; };
    match.path.emplace().regex = json::Regex{"/" + part(method.service) + "/" + part(method.method)};
    return;
  }
  meshconfig::GrpcMatch& grpc = match.grpc.emplace();
  if (!method.service.empty()) grpc.service = method.service;
  if (!method.method.empty()) grpc.method = method.method;
}

}  // namespace

std::string WithoutSlash(std::string prefix) {
  while (prefix.size() > 1 && prefix.back() == '/') prefix.pop_back();
  return prefix.empty() ? "/" : prefix;
}

model::GatewayMatch TranslateMatch(const HttpMatch& match) {
  model::GatewayMatch translated;
  meshconfig::RequestMatch& request = translated.match;
  request.path = TranslatePath(match.path);
  request.method = match.method;
  request.headers = TranslateHeaders(match.headers);
  request.query = TranslateValues<meshconfig::ParameterMatch, std::less<>>(match.query_params);
  translated.rank = {RankOf(match.path.type), Count(match.path.value.size()), match.method.has_value(),
                     Count(request.headers.size()), Count(request.query.size())};
  return translated;
}

model::GatewayMatch TranslateMatch(const GrpcMatch& match) {
  model::GatewayMatch translated;
  TranslateMethod(match.method, translated.match);
  translated.match.headers = TranslateHeaders(match.headers);
  translated.rank = {Count(match.method.service.size()), Count(match.method.method.size()),
                     Count(translated.match.headers.size())};
  return translated;
}

}  // namespace tulle::control::watch
