#include "operator/watch/gateway_rules.h"

#include <strings.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "lib/json/parse.h"
#include "lib/json/print.h"
#include "operator/watch/gateway_match.h"

namespace tulle::control::watch {
namespace {

using namespace resources::gateway;

// "0s" means no limit at all, also where a TrafficPolicy has one.
constexpr base::Duration kNever = std::chrono::hours(8760);

std::string At(const std::string& field, size_t index) { return field + "[" + std::to_string(index) + "]"; }

bool OnlyPrefixes(const HttpMatch& match) { return match.path.type == PathMatchType::kPathPrefix; }
bool OnlyPrefixes(const GrpcMatch&) { return true; }

// One rule; problems go to the list that all rules of the route share.
class Translator {
 public:
  Translator(std::string path, json::Problems& problems) : path_(std::move(path)), problems_(problems) {}

  template <class Match>
  model::GatewayRule Run(const resources::gateway::Rule<Match>& rule) {
    for (const Match& match : rule.matches) out_.matches.push_back(TranslateMatch(match));
    if (out_.matches.empty()) out_.matches.push_back(TranslateMatch(Match{}));
    all_prefixes_ = std::all_of(rule.matches.begin(), rule.matches.end(),
                                [](const Match& match) { return OnlyPrefixes(match); });
    for (size_t i = 0; i < rule.filters.size(); ++i) {
      TakeFilter(rule.filters[i], At(path_ + ".filters", i));
    }
    if (out_.actions.redirect && out_.actions.rewrite) {
      Problem(path_ + ".filters", "RequestRedirect and URLRewrite exclude each other");
    }
    for (size_t i = 0; i < rule.backend_refs.size(); ++i) {
      TakeBackend(rule.backend_refs[i], At(path_ + ".backendRefs", i));
    }
    if (rule.timeouts) TakeTimeouts(*rule.timeouts);
    Prove();
    return std::move(out_);
  }

 private:
  void Problem(const std::string& path, std::string message) {
    problems_.push_back({path, std::move(message)});
  }

  // Sets `place` from the member that the filter's type names, once.
  template <class From, class To, class Convert>
  void Take(const std::optional<From>& from, const std::string& path, std::optional<To>& place,
            Convert convert) {
    if (!from) {
      Problem(path, "says nothing for its type");
    } else if (place) {
      Problem(path, "its type may stand once only");
    } else {
      place = convert(*from);
    }
  }

  void TakeFilter(const Filter& filter, const std::string& path) {
    const auto headers = [&](const HeaderModifier& from) { return Headers(from); };
    switch (filter.type) {
      case FilterType::kRequestHeaderModifier:
        return Take(filter.request_header_modifier, path, out_.actions.request_headers, headers);
      case FilterType::kResponseHeaderModifier:
        return Take(filter.response_header_modifier, path, out_.actions.response_headers, headers);
      case FilterType::kRequestMirror: {
        std::optional<model::GatewayMirror> mirror;
        Take(filter.request_mirror, path, mirror, Mirror);
        if (mirror) out_.mirrors.push_back(*std::move(mirror));
        return;
      }
      case FilterType::kRequestRedirect:
        return Take(filter.request_redirect, path, out_.actions.redirect,
                    [&](const RequestRedirect& from) { return Redirect(from, path + ".requestRedirect"); });
      case FilterType::kUrlRewrite:
        return Take(filter.url_rewrite, path, out_.actions.rewrite,
                    [&](const UrlRewrite& from) { return Rewrite(from, path + ".urlRewrite"); });
    }
  }

  void TakeBackend(const BackendRef& from, const std::string& path) {
    model::GatewayBackend backend{from.object(), from.weight, {}, {}};
    const auto headers = [&](const HeaderModifier& edits) { return Headers(edits); };
    for (size_t i = 0; i < from.filters.size(); ++i) {
      const Filter& filter = from.filters[i];
      const std::string at = At(path + ".filters", i);
      if (filter.type == FilterType::kRequestHeaderModifier) {
        Take(filter.request_header_modifier, at, backend.request_headers, headers);
      } else if (filter.type == FilterType::kResponseHeaderModifier) {
        Take(filter.response_header_modifier, at, backend.response_headers, headers);
      } else {
        Problem(at + ".type", "cannot be done for one backend only");
      }
    }
    out_.backends.push_back(std::move(backend));
  }

  void TakeTimeouts(const Timeouts& timeouts) {
    const auto limit = [](base::Duration given) { return given == base::Duration{} ? kNever : given; };
    if (timeouts.request) out_.actions.timeout = limit(*timeouts.request);
    if (!timeouts.backend_request) return;
    out_.actions.retry.emplace().per_try_timeout = limit(*timeouts.backend_request);
  }

  // Of several edits of one header the first one counts.
  static std::map<std::string, std::string> Edits(const std::vector<Header>& headers) {
    std::map<std::string, std::string> edits;
    for (const Header& header : headers) {
      const bool is_new = std::none_of(edits.begin(), edits.end(), [&](const auto& edit) {
        return strcasecmp(edit.first.c_str(), header.name.c_str()) == 0;
      });
      if (is_new) edits[header.name] = header.value;
    }
    return edits;
  }
  static meshconfig::HeaderEdits Headers(const HeaderModifier& from) {
    return {Edits(from.set), Edits(from.add), from.remove};
  }

  static model::GatewayMirror Mirror(const RequestMirror& from) {
    model::GatewayMirror mirror{from.backend_ref};
    if (from.percent) mirror.parts_per_million = *from.percent * 10000;
    if (from.fraction) {
      const auto share =
          static_cast<double>(from.fraction->numerator) / static_cast<double>(from.fraction->denominator);
      mirror.parts_per_million = static_cast<int64_t>(std::min(share, 1.0) * 1000000);
    }
    return mirror;
  }

  meshconfig::Redirect Redirect(const RequestRedirect& from, const std::string& path) {
    meshconfig::Redirect redirect{from.scheme, from.hostname, from.port, {}, from.status_code};
    if (from.path) redirect.path = Path(*from.path, path + ".path");
    return redirect;
  }

  meshconfig::Rewrite Rewrite(const UrlRewrite& from, const std::string& path) {
    meshconfig::Rewrite rewrite{{}, from.hostname};
    if (from.path) rewrite.path = Path(*from.path, path + ".path");
    return rewrite;
  }

  meshconfig::PathEdit Path(const PathModifier& from, const std::string& path) {
    if (from.type == PathModifierType::kReplaceFullPath) {
      return {from.replace_full_path.empty() ? "/" : from.replace_full_path, std::nullopt};
    }
    if (!all_prefixes_) Problem(path, "ReplacePrefixMatch wants every match of the rule to be a PathPrefix");
    return {std::nullopt, WithoutSlash(from.replace_prefix_match)};
  }

  // Prints what a sidecar will be given and reads it as a sidecar does.
  void Prove() {
    meshconfig::RouteRule proof = out_.actions;
    for (const model::GatewayMatch& match : out_.matches) proof.matches.push_back(match.match);
    for (const model::GatewayBackend& backend : out_.backends) {
      meshconfig::WeightedBackend& shown = proof.backends.emplace_back();
      shown.weight = backend.weight;
      shown.request_headers = backend.request_headers;
      shown.response_headers = backend.response_headers;
    }
    const auto read = json::Parse<meshconfig::RouteRule>(nlohmann::json(json::Print(proof)));
    if (read.ok()) return;
    for (const json::Problem& problem : read.failure()) Problem(path_, "the mesh has no " + problem.Text());
  }

  const std::string path_;
  json::Problems& problems_;
  bool all_prefixes_ = true;
  model::GatewayRule out_;
};

template <class Match>
GatewayRules TranslateAll(const resources::gateway::Route<Match>& route) {
  json::Problems problems;
  std::vector<model::GatewayRule> rules;
  for (size_t i = 0; i < route.rules.size(); ++i) {
    rules.push_back(Translator(At("spec.rules", i), problems).Run(route.rules[i]));
    rules.back().actions.name = route.rules[i].name.value_or(std::to_string(i));
  }
  if (!problems.empty()) return problems;
  return rules;
}

}  // namespace

GatewayRules Translate(const HttpRoute& route) { return TranslateAll(route); }
GatewayRules Translate(const GrpcRoute& route) { return TranslateAll(route); }

}  // namespace tulle::control::watch
