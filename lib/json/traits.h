#pragma once

#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "lib/json/fields.h"

// What kind of member a described struct has; shared by parser, printer and schema.
namespace tulle::json {

template <class T>
concept Described = requires {
  T::Describe();
};
template <class T>
concept NamedEnum = std::is_enum_v<T>;

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <class T>
struct IsList : std::false_type {};
template <class T>
struct IsList<std::vector<T>> : std::true_type {};
template <class T>
struct IsMap : std::false_type {};
template <class T>
struct IsMap<std::map<std::string, T>> : std::true_type {};

template <class Part>
struct IsField : std::false_type {};
template <class Owner, class T>
struct IsField<FieldOf<Owner, T>> : std::true_type {};

// Calls `on_field` for each field and `on_rule` for each rule of T, in the order of its table.
template <Described T, class OnField, class OnRule>
void ForEachPart(OnField&& on_field, OnRule&& on_rule) {
  static constexpr auto kTable = T::Describe();
  const auto visit = [&](const auto& part) {
    if constexpr (IsField<std::decay_t<decltype(part)>>::value) {
      on_field(part);
    } else {
      on_rule(part);
    }
  };
  std::apply([&](const auto&... parts) { (visit(parts), ...); }, kTable.parts);
}

// The limits of one value of a list or map that has `limits`.
constexpr Limits ValueLimits(const Limits& limits) {
  return {.minimum = limits.minimum,
          .maximum = limits.maximum,
          .max_items = limits.max_value_length,
          .pattern = limits.pattern};
}

}  // namespace tulle::json
