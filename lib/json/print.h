#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "lib/base/duration.h"
#include "lib/json/traits.h"

namespace tulle::json {

// Whether a field that is not required may be left out, because Parse would leave it as it is.
template <class T>
bool IsAbsent(const T& value) {
  if constexpr (IsOptional<T>::value) {
    return !value.has_value();
  } else if constexpr (IsList<T>::value || IsMap<T>::value || std::is_same_v<T, std::string>) {
    return value.empty();
  } else {
    return false;
  }
}

// The document form of a described struct, fields in the order of its table. Absent optionals and empty
// strings, lists and maps are left out; numbers, enums and structs are always written. Parse reads it back to
// an equal value.
template <class T>
nlohmann::ordered_json Print(const T& value) {
  using Json = nlohmann::ordered_json;
  if constexpr (IsOptional<T>::value) {
    return value ? Print(*value) : Json();
  } else if constexpr (IsList<T>::value) {
    Json list = Json::array();
    for (const auto& item : value) list.push_back(Print(item));
    return list;
  } else if constexpr (IsMap<T>::value) {
    Json map = Json::object();
    for (const auto& [key, item] : value) map[key] = Print(item);
    return map;
  } else if constexpr (Described<T>) {
    Json object = Json::object();
    const auto print_field = [&](const auto& field) {
      const auto& member = value.*field.member;
      if (field.limits.required || !IsAbsent(member)) object[field.name] = Print(member);
    };
    ForEachPart<T>(print_field, [](const auto&) {});
    return object;
  } else if constexpr (NamedEnum<T>) {
    for (const auto& [candidate, name] : Names(T{})) {
      if (candidate == value) return std::string(name);
    }
    return nullptr;
  } else if constexpr (std::is_same_v<T, base::Duration>) {
    return base::PrintDuration(value);
  } else if constexpr (std::is_same_v<T, Regex>) {
    return value.pattern;
  } else {
    return value;
  }
}

// Compact text of Print. Bytes that are not UTF-8 become U+FFFD; never throws.
template <class T>
std::string PrintText(const T& value) {
  return Print(value).dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace tulle::json
