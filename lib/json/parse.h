#pragma once

#include <re2/re2.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "lib/base/duration.h"
#include "lib/base/result.h"
#include "lib/json/fields.h"
#include "lib/json/path.h"
#include "lib/json/text.h"
#include "lib/json/traits.h"

namespace tulle::json {

// Fills described structs from one JSON value and collects what is wrong on the way; it goes on after a
// problem, so that an author sees all of them at once (up to kMaxProblems). Lives for one Parse.
class Reader {
 public:
  // True when `value` and all in it was taken into `out`.
  template <class T>
  bool Read(const nlohmann::json& value, const Path& path, const Limits& limits, T& out);

  Problems TakeProblems() { return std::move(problems_); }

 private:
  template <Described T>
  bool ReadObject(const nlohmann::json& value, const Path& path, T& out);
  template <NamedEnum T>
  bool ReadEnum(const nlohmann::json& value, const Path& path, T& out);

  bool ReadBool(const nlohmann::json& value, const Path& path, bool& out);
  bool ReadInteger(const nlohmann::json& value, const Path& path, const Limits& limits, int64_t& out);
  bool ReadString(const nlohmann::json& value, const Path& path, const Limits& limits, std::string& out);
  bool ReadDuration(const nlohmann::json& value, const Path& path, const Limits& limits, base::Duration& out);
  bool ReadRegex(const nlohmann::json& value, const Path& path, const Limits& limits, Regex& out);

  bool ExpectObject(const nlohmann::json& value, const Path& path);
  bool ExpectList(const nlohmann::json& value, const Path& path);
  bool CheckCount(size_t count, const char* unit, const Path& path, const Limits& limits);
  bool CheckPattern(const std::string& value, const char* pattern, const Path& path);
  bool CheckKnown(const nlohmann::json& object, const Path& path, const std::vector<const char*>& fields);
  bool Report(const Path& path, std::string message);  // always false

  Problems problems_;
  std::unordered_map<const char*, std::unique_ptr<re2::RE2>> patterns_;
};

// Reads a described struct (see fields.h). All problems are collected, each with its path, which starts with
// `path`: "spec.backends[1].weight: must be at least 0, got -1".
template <class T>
base::Result<T, Problems> Parse(const nlohmann::json& value, std::string path = "") {
  Reader reader;
  T out;
  const bool complete = reader.Read(value, Path(path), Limits{}, out);
  Problems problems = reader.TakeProblems();
  if (!complete || !problems.empty()) return problems;
  return out;
}

template <class T>
bool Reader::Read(const nlohmann::json& value, const Path& path, const Limits& limits, T& out) {
  if constexpr (IsOptional<T>::value) {
    return Read(value, path, limits, out.emplace());
  } else if constexpr (IsList<T>::value) {
    if (!ExpectList(value, path)) return false;
    bool valid = CheckCount(value.size(), "items", path, limits);
    if (!valid) return false;
    const Limits value_limits = ValueLimits(limits);
    out.clear();
    out.reserve(value.size());
    for (size_t i = 0; i < value.size(); ++i) {
      valid &= Read(value[i], Path(path, i), value_limits, out.emplace_back());
    }
    return valid;
  } else if constexpr (IsMap<T>::value) {
    if (!ExpectObject(value, path)) return false;
    bool valid = CheckCount(value.size(), "entries", path, limits);
    if (!valid) return false;
    const Limits value_limits = ValueLimits(limits);
    out.clear();
    for (const auto& [key, item] : value.get_ref<const nlohmann::json::object_t&>()) {
      const Path item_path(path, key);
      if (limits.key_pattern != nullptr) valid &= CheckPattern(key, limits.key_pattern, item_path);
      valid &= Read(item, item_path, value_limits, out[key]);
    }
    return valid;
  } else if constexpr (Described<T>) {
    return ReadObject(value, path, out);
  } else if constexpr (NamedEnum<T>) {
    return ReadEnum(value, path, out);
  } else if constexpr (std::is_same_v<T, bool>) {
    return ReadBool(value, path, out);
  } else if constexpr (std::is_same_v<T, int64_t>) {
    return ReadInteger(value, path, limits, out);
  } else if constexpr (std::is_same_v<T, std::string>) {
    return ReadString(value, path, limits, out);
  } else if constexpr (std::is_same_v<T, base::Duration>) {
    return ReadDuration(value, path, limits, out);
  } else {
    static_assert(std::is_same_v<T, Regex>, "a member type that fields.h does not name");
    return ReadRegex(value, path, limits, out);
  }
}

template <Described T>
bool Reader::ReadObject(const nlohmann::json& value, const Path& path, T& out) {
  if (!ExpectObject(value, path)) return false;
  bool valid = true;
  std::vector<const char*> fields;
  const auto& members = value.get_ref<const nlohmann::json::object_t&>();
  const auto read_field = [&](const auto& field) {
    fields.push_back(field.name);
    const Path field_path(path, field.name);
    if (const auto member = members.find(field.name); member != members.end()) {
      valid &= Read(member->second, field_path, field.limits, out.*field.member);
    } else if (field.limits.required) {
      valid = Report(field_path, "is required");
    }
  };
  ForEachPart<T>(read_field, [](const auto&) {});
  valid &= CheckKnown(value, path, fields);
  if (!valid) return false;  // rules over fields that were not read would only make noise
  ForEachPart<T>([](const auto&) {},
                 [&](const auto& rule) {
                   if (!rule.holds(out)) valid = Report(path, rule.message);
                 });
  return valid;
}

template <NamedEnum T>
bool Reader::ReadEnum(const nlohmann::json& value, const Path& path, T& out) {
  std::string text;
  if (!ReadString(value, path, {}, text)) return false;
  std::string allowed;
  for (const auto& [candidate, name] : Names(T{})) {
    if (text == name) {
      out = candidate;
      return true;
    }
    allowed += (allowed.empty() ? "" : ", ") + std::string(name);
  }
  return Report(path, "must be one of " + allowed + ", got " + Quote(text));
}

}  // namespace tulle::json
