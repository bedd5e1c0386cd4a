#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "lib/json/fields.h"
#include "lib/json/print.h"
#include "lib/json/traits.h"

namespace tulle::json {

// The parts of a schema that do not depend on the C++ type; in the words of OpenAPI v3 as Kubernetes takes it
// ("structural schema").
nlohmann::ordered_json IntegerSchema(const Limits& limits);
nlohmann::ordered_json StringSchema(const Limits& limits);
nlohmann::ordered_json DurationSchema(const Limits& limits);
void AddCount(nlohmann::ordered_json& schema, const char* least, const char* most, const Limits& limits);
void AddRule(nlohmann::ordered_json& schema, const char* cel, const char* message);

// The schema of a member type. `limits` are those of the field.
template <class T>
nlohmann::ordered_json Schema(const Limits& limits = {}) {
  using Json = nlohmann::ordered_json;
  Json schema = Json::object();
  if constexpr (IsOptional<T>::value) {
    return Schema<typename T::value_type>(limits);
  } else if constexpr (IsList<T>::value) {
    schema["type"] = "array";
    AddCount(schema, "minItems", "maxItems", limits);
    schema["items"] = Schema<typename T::value_type>(ValueLimits(limits));
  } else if constexpr (IsMap<T>::value) {
    schema["type"] = "object";
    AddCount(schema, "minProperties", "maxProperties", limits);
    schema["additionalProperties"] = Schema<typename T::mapped_type>(ValueLimits(limits));
  } else if constexpr (Described<T>) {
    static constexpr auto kTable = T::Describe();
    schema["type"] = "object";
    schema["description"] = kTable.doc;
    Json required = Json::array();
    Json properties = Json::object();
    Json rules = Json::array();
    const T defaults;
    const auto add_field = [&](const auto& field) {
      using Member = typename std::decay_t<decltype(field)>::Member;
      Json property = Schema<Member>(field.limits);
      property["description"] = field.doc;
      if constexpr (!Described<Member>) {
        const Member& value = defaults.*field.member;
        if (!field.limits.required && !IsAbsent(value)) property["default"] = Print(value);
      }
      properties[field.name] = std::move(property);
      if (field.limits.required) required.push_back(field.name);
    };
    ForEachPart<T>(add_field, [&](const auto& rule) { AddRule(schema, rule.cel, rule.message); });
    if (!required.empty()) schema["required"] = std::move(required);
    schema["properties"] = std::move(properties);
  } else if constexpr (NamedEnum<T>) {
    schema["type"] = "string";
    schema["enum"] = Json::array();
    for (const auto& [unused, name] : Names(T{})) schema["enum"].push_back(std::string(name));
  } else if constexpr (std::is_same_v<T, bool>) {
    schema["type"] = "boolean";
  } else if constexpr (std::is_same_v<T, int64_t>) {
    schema = IntegerSchema(limits);
  } else if constexpr (std::is_same_v<T, base::Duration>) {
    schema = DurationSchema(limits);
  } else {
    schema = StringSchema(limits);
  }
  return schema;
}

// Rows of a Markdown table, one for each field of an object schema and of what it contains: path, type, and
// its description with default and bounds.
std::string ReferenceRows(const nlohmann::ordered_json& schema, const std::string& path);

}  // namespace tulle::json
