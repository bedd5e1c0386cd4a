#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

// Looking into JSON of others, which may be of any shape: nothing throws, and what is absent or of another
// type reads as null, empty text or false.
namespace tulle::json {

// The member of an object; a null that lives forever where there is none. The reference lives as long as
// `object`.
inline const nlohmann::json& At(const nlohmann::json& object, std::string_view key) {
  static const nlohmann::json kNull;
  if (!object.is_object()) return kNull;
  const auto member = object.find(key);
  return member == object.end() ? kNull : *member;
}

inline std::string TextAt(const nlohmann::json& object, std::string_view key) {
  const nlohmann::json& value = At(object, key);
  return value.is_string() ? value.get<std::string>() : std::string();
}

inline bool TrueAt(const nlohmann::json& object, std::string_view key) {
  const nlohmann::json& value = At(object, key);
  return value.is_boolean() && value.get<bool>();
}

// The items of a list; an empty list where it is something else.
inline const nlohmann::json::array_t& ItemsAt(const nlohmann::json& object, std::string_view key) {
  static const nlohmann::json::array_t kNone;
  const nlohmann::json& value = At(object, key);
  return value.is_array() ? value.get_ref<const nlohmann::json::array_t&>() : kNone;
}

}  // namespace tulle::json
