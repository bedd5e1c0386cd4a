#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/duration.h"
#include "lib/json/fields.h"

// What a route rule does to requests and responses, apart from choosing where they go: the same in resources
// and in mesh config.
namespace tulle::meshconfig {

// Whether a route may touch that header. Framing, connections, the host and the mesh's own headers are not
// for rules to edit; `name` in any case.
bool IsEditableHeader(std::string_view name);

inline constexpr const char* kHeaderName = "[A-Za-z0-9!#$%&'*+.^_`|~-]+";
inline constexpr const char* kHeaderValue = "[\\x20-\\x7e\\t]*";

struct HeaderEdits {
  std::map<std::string, std::string> set;
  std::map<std::string, std::string> add;
  std::vector<std::string> remove;

  bool operator==(const HeaderEdits&) const = default;
  bool OnlyEditable() const;
  static constexpr auto Describe() {
    return json::Object(
        "Edits of headers. Host, framing, connection and x-tulle headers cannot be edited.",
        json::Field(
            "set", &HeaderEdits::set, "Headers that replace all of their name.",
            {.max_items = 16, .pattern = kHeaderValue, .max_value_length = 4096, .key_pattern = kHeaderName}),
        json::Field(
            "add", &HeaderEdits::add, "Headers that stand beside those of their name.",
            {.max_items = 16, .pattern = kHeaderValue, .max_value_length = 4096, .key_pattern = kHeaderName}),
        json::Field("remove", &HeaderEdits::remove,
                    "Names of headers that are removed; case does not matter.",
                    {.max_items = 16, .pattern = kHeaderName, .max_value_length = 256}),
        json::Rule<HeaderEdits>(
            "(has(self.set) ? self.set.map(n, n) : []).all(n, !n.matches('(?i)^(host|connection|keep-alive|"
            "proxy-connection|te|trailer|transfer-encoding|upgrade|content-length|x-tulle.*)$')) && "
            "(has(self.add) ? self.add.map(n, n) : []).all(n, !n.matches('(?i)^(host|connection|keep-alive|"
            "proxy-connection|te|trailer|transfer-encoding|upgrade|content-length|x-tulle.*)$')) && "
            "(has(self.remove) ? self.remove : []).all(n, !n.matches('(?i)^(host|connection|keep-alive|"
            "proxy-connection|te|trailer|transfer-encoding|upgrade|content-length|x-tulle.*)$'))",
            "host, framing, connection and x-tulle headers cannot be edited",
            [](const HeaderEdits& e) { return e.OnlyEditable(); }));
  }
};

// Exactly one of the members is set.
struct PathEdit {
  std::optional<std::string> replace;
  std::optional<std::string> replace_prefix;

  bool operator==(const PathEdit&) const = default;
  static constexpr auto Describe() {
    return json::Object(
        "How a path changes; the query stays. Exactly one of the fields is set.",
        json::Field("replace", &PathEdit::replace, "The whole new path.",
                    {.min_items = 1, .max_items = 1024, .pattern = "/[!-\"$->@-~]*"}),
        json::Field(
            "replacePrefix", &PathEdit::replace_prefix,
            "What stands for the prefix that the rule's match matched: with the match /a, /a/x becomes "
            "/b/x for /b, and /x for /.",
            {.min_items = 1, .max_items = 1024, .pattern = "/[!-\"$->@-~]*"}),
        json::Rule<PathEdit>("has(self.replace) != has(self.replacePrefix)",
                             "exactly one of replace and replacePrefix must be set", [](const PathEdit& e) {
                               return e.replace.has_value() != e.replace_prefix.has_value();
                             }));
  }
};

inline constexpr const char* kHostName = "[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?";

struct Rewrite {
  std::optional<PathEdit> path;
  std::optional<std::string> host;

  bool operator==(const Rewrite&) const = default;
  static constexpr auto Describe() {
    return json::Object(
        "What the backend is asked for instead of what the client asked for.",
        json::Field("path", &Rewrite::path, "The new path."),
        json::Field("host", &Rewrite::host, "The new Host.",
                    {.min_items = 1, .max_items = 253, .pattern = kHostName}),
        json::Rule<Rewrite>("has(self.path) || has(self.host)", "path or host must be set",
                            [](const Rewrite& r) { return r.path.has_value() || r.host.has_value(); }));
  }
};

enum class Scheme { kHttp, kHttps };
constexpr auto Names(Scheme) {
  return std::array<std::pair<Scheme, std::string_view>, 2>{
      {{Scheme::kHttp, "http"}, {Scheme::kHttps, "https"}}};
}

struct Redirect {
  std::optional<Scheme> scheme;
  std::optional<std::string> host;
  std::optional<int64_t> port;
  std::optional<PathEdit> path;
  int64_t status = 302;

  bool operator==(const Redirect&) const = default;
  static constexpr auto Describe() {
    return json::Object(
        "Sends the client elsewhere; what is absent stays as the client asked for it.",
        json::Field("scheme", &Redirect::scheme, "http or https."),
        json::Field("host", &Redirect::host, "The host to go to.",
                    {.min_items = 1, .max_items = 253, .pattern = kHostName}),
        json::Field(
            "port", &Redirect::port,
            "The port to go to; absent means that of the scheme where one is given, else the port that was "
            "called.",
            {.minimum = 1, .maximum = 65535}),
        json::Field("path", &Redirect::path, "The path to go to."),
        json::Field("status", &Redirect::status, "301, 302, 303, 307 or 308.",
                    {.minimum = 301, .maximum = 308}),
        json::Rule<Redirect>("!has(self.status) || self.status in [301, 302, 303, 307, 308]",
                             "status must be 301, 302, 303, 307 or 308",
                             [](const Redirect& r) { return r.status <= 303 || r.status >= 307; }));
  }
};

struct DirectResponse {
  int64_t status = 200;
  std::string body;
  std::string content_type = "text/plain";

  bool operator==(const DirectResponse&) const = default;
  static constexpr auto Describe() {
    return json::Object(
        "An answer of the mesh's own.",
        json::Field("status", &DirectResponse::status, "Status code.",
                    {.required = true, .minimum = 200, .maximum = 599}),
        json::Field("body", &DirectResponse::body, "The body.", {.max_items = 4096}),
        json::Field("contentType", &DirectResponse::content_type, "What the body is; default text/plain.",
                    {.min_items = 1, .max_items = 256, .pattern = "[!-~][ -~]*"}));
  }
};

struct DelayFault {
  base::Duration duration{};
  int64_t percent = 100;

  bool operator==(const DelayFault&) const = default;
  static constexpr auto Describe() {
    return json::Object("Makes requests wait.",
                        json::Field("duration", &DelayFault::duration, "How long.",
                                    {.required = true, .minimum = 1, .maximum = 3600000}),
                        json::Field("percent", &DelayFault::percent, "Share of the requests.",
                                    {.minimum = 0, .maximum = 100}));
  }
};

struct AbortFault {
  std::optional<int64_t> status;
  std::optional<int64_t> grpc_status;
  int64_t percent = 100;

  bool operator==(const AbortFault&) const = default;
  static constexpr auto Describe() {
    return json::Object(
        "Answers requests with an error instead of sending them on. Exactly one of status and grpcStatus is "
        "set.",
        json::Field("status", &AbortFault::status, "HTTP status.", {.minimum = 400, .maximum = 599}),
        json::Field("grpcStatus", &AbortFault::grpc_status, "gRPC status.", {.minimum = 1, .maximum = 16}),
        json::Field("percent", &AbortFault::percent, "Share of the requests.",
                    {.minimum = 0, .maximum = 100}),
        json::Rule<AbortFault>(
            "has(self.status) != has(self.grpcStatus)", "exactly one of status and grpcStatus must be set",
            [](const AbortFault& f) { return f.status.has_value() != f.grpc_status.has_value(); }));
  }
};

struct Fault {
  std::optional<DelayFault> delay;
  std::optional<AbortFault> abort;

  bool operator==(const Fault&) const = default;
  static constexpr auto Describe() {
    return json::Object(
        "Faults on purpose, to see what callers make of them; first the delay, then the abort.",
        json::Field("delay", &Fault::delay, "Makes requests wait."),
        json::Field("abort", &Fault::abort, "Fails requests."),
        json::Rule<Fault>("has(self.delay) || has(self.abort)", "delay or abort must be set",
                          [](const Fault& f) { return f.delay || f.abort; }));
  }
};

// Exactly one of header and cookie is set.
struct Sticky {
  std::optional<std::string> header;
  std::optional<std::string> cookie;

  bool operator==(const Sticky&) const = default;
  static constexpr auto Describe() {
    return json::Object(
        "Keeps a client with the same backend for as long as the weights stay; a change of weights moves no "
        "more "
        "clients than it has to. A request without the value is placed at random.",
        json::Field("header", &Sticky::header, "The header whose value stands for the client.",
                    {.min_items = 1, .max_items = 256, .pattern = kHeaderName}),
        json::Field("cookie", &Sticky::cookie,
                    "The cookie whose value stands for the client; a client without it is given one.",
                    {.min_items = 1, .max_items = 128, .pattern = "[A-Za-z0-9_-]+"}),
        json::Rule<Sticky>("has(self.header) != has(self.cookie)",
                           "exactly one of header and cookie must be set",
                           [](const Sticky& s) { return s.header.has_value() != s.cookie.has_value(); }));
  }
};

}  // namespace tulle::meshconfig
