#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

// How a plain struct describes its own document form. One table of fields drives the parser (parse.h), the
// printer, the OpenAPI schema and the reference page (schema.h), so that none of them can drift from the
// others.
//
//   struct Backend {
//     std::string service;
//     int64_t weight = 1;
//
//     static constexpr auto Describe() {
//       return json::Object("One destination of a split.",
//                           json::Field("service", &Backend::service, "Name of a Service.", {.required =
//                           true}), json::Field("weight", &Backend::weight, "Share of requests.", {.minimum =
//                           0}));
//     }
//   };
//
// Members may be bool, int64_t, std::string, base::Duration, Regex, described enums, described structs, and
// std::optional, std::vector and std::map<std::string, …> of these. An enum is described by
// `constexpr auto Names(MyEnum)` beside it, returning a std::array of std::pair<MyEnum, std::string_view>.
// A field that is not required and absent keeps the member's default.
namespace tulle::json {

// One thing wrong with a document: where ("spec.backends[1].weight") and what, in words for its author.
struct Problem {
  std::string path;
  std::string message;

  std::string Text() const { return path.empty() ? message : path + ": " + message; }
  bool operator==(const Problem&) const = default;
};
using Problems = std::vector<Problem>;

// "path: message; path: message", for a condition, a log line or an admission answer.
std::string JoinProblems(const Problems& problems);

// What a value must satisfy beyond its type. Lengths and sizes are inclusive; lengths count Unicode
// characters. On a list or map, min_items and max_items are about the container, everything else about its
// values.
struct Limits {
  bool required = false;
  std::optional<int64_t> minimum = std::nullopt;           // numbers; durations in milliseconds
  std::optional<int64_t> maximum = std::nullopt;           // numbers; durations in milliseconds
  std::optional<int64_t> min_items = std::nullopt;         // lists; for strings the least length
  std::optional<int64_t> max_items = std::nullopt;         // lists and maps; for strings the greatest length
  const char* pattern = nullptr;                           // strings: an RE2 that the whole value must match
  std::optional<int64_t> max_value_length = std::nullopt;  // strings in lists and maps
  const char* key_pattern = nullptr;                       // maps: an RE2 that every key must match
};

template <class Owner, class T>
struct FieldOf {
  using Member = T;
  const char* name;
  T Owner::*member;
  const char* doc;
  Limits limits;
};

template <class Owner, class T>
constexpr FieldOf<Owner, T> Field(const char* name, T Owner::*member, const char* doc, Limits limits = {}) {
  return {name, member, doc, limits};
}

// A condition over several fields: printed into the CRD as a CEL rule and enforced by the parser as `holds`.
template <class Owner>
struct RuleOf {
  const char* cel;
  const char* message;
  bool (*holds)(const Owner&);
};

template <class Owner>
constexpr RuleOf<Owner> Rule(const char* cel, const char* message, bool (*holds)(const Owner&)) {
  return {cel, message, holds};
}

// The description of one struct: what it is, then its fields and rules in the order in which they are
// printed.
template <class... Parts>
struct ObjectOf {
  const char* doc;
  std::tuple<Parts...> parts;
};

template <class... Parts>
constexpr ObjectOf<Parts...> Object(const char* doc, Parts... parts) {
  return {doc, std::tuple<Parts...>(parts...)};
}

// A regular expression in RE2 syntax. The parser refuses text that does not compile.
struct Regex {
  std::string pattern;
  bool operator==(const Regex&) const = default;
};

}  // namespace tulle::json
