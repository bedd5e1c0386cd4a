#include "lib/json/schema.h"

#include "lib/base/duration.h"

namespace tulle::json {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kDurationPattern = "^([0-9]{1,10}(h|m|s|ms)){1,4}$";
constexpr int64_t kMaxDurationLength = 32;

// Limits::pattern is about the whole value, a pattern of OpenAPI finds its match anywhere.
std::string Anchored(const std::string& pattern) {
  return pattern.find('|') == pattern.npos ? "^" + pattern + "$" : "^(?:" + pattern + ")$";
}

std::string Milliseconds(int64_t count) { return base::PrintDuration(std::chrono::milliseconds(count)); }

std::string TypeName(const Json& schema) {
  const std::string type = schema["type"];
  if (type == "array") return "list of " + TypeName(schema["items"]);
  if (type == "object" && schema.contains("additionalProperties"))
    return "map of " + TypeName(schema["additionalProperties"]);
  if (schema.value("pattern", "") == kDurationPattern) return "duration";
  return type;
}

std::string Join(const Json& values) {
  std::string text;
  for (const Json& value : values) text += (text.empty() ? "`" : ", `") + value.get<std::string>() + "`";
  return text;
}

// What bounds a value, as sentences; `what` is the value of lists and maps, or empty.
std::string Bounds(const Json& schema, const std::string& what) {
  std::string text;
  const auto sentence = [&](const std::string& words) { text += " " + what + words + "."; };
  const auto number = [&](const char* key) { return std::to_string(schema[key].get<int64_t>()); };
  if (schema.contains("enum")) sentence((what.empty() ? "One of " : "one of ") + Join(schema["enum"]));
  if (schema.contains("minimum") && schema.contains("maximum"))
    sentence(number("minimum") + " to " + number("maximum"));
  for (const auto& [key, unit] :
       {std::pair{"maxItems", " items"}, {"maxProperties", " entries"}, {"maxLength", " characters"}}) {
    const bool is_duration = schema.value("pattern", "") == kDurationPattern;
    if (schema.contains(key) && !is_duration)
      sentence((what.empty() ? "At most " : "at most ") + number(key) + unit);
  }
  if (schema.contains("items")) text += Bounds(schema["items"], "Each: ");
  if (schema.contains("additionalProperties")) text += Bounds(schema["additionalProperties"], "Each: ");
  return text;
}

std::string Cell(std::string text) {
  for (size_t at = 0; (at = text.find('|', at)) != text.npos; at += 2) text.insert(at, "\\");
  return text;
}

}  // namespace

Json IntegerSchema(const Limits& limits) {
  Json schema = {{"type", "integer"}, {"format", "int64"}};
  if (limits.minimum) schema["minimum"] = *limits.minimum;
  if (limits.maximum) schema["maximum"] = *limits.maximum;
  return schema;
}

Json StringSchema(const Limits& limits) {
  Json schema = {{"type", "string"}};
  AddCount(schema, "minLength", "maxLength", limits);
  if (limits.pattern != nullptr) schema["pattern"] = Anchored(limits.pattern);
  return schema;
}

Json DurationSchema(const Limits& limits) {
  Json schema = {{"type", "string"}, {"maxLength", kMaxDurationLength}, {"pattern", kDurationPattern}};
  const auto compare = [&](const char* sign, const char* words, int64_t bound) {
    const std::string text = Milliseconds(bound);
    const std::string cel = std::string("duration(self) ") + sign + " duration('" + text + "')";
    AddRule(schema, cel.c_str(), (std::string("must be ") + words + " " + text).c_str());
  };
  if (limits.minimum) compare(">=", "at least", *limits.minimum);
  if (limits.maximum) compare("<=", "at most", *limits.maximum);
  return schema;
}

void AddCount(Json& schema, const char* least, const char* most, const Limits& limits) {
  if (limits.min_items) schema[least] = *limits.min_items;
  if (limits.max_items) schema[most] = *limits.max_items;
}

void AddRule(Json& schema, const char* cel, const char* message) {
  Json rule = Json::object();
  rule["rule"] = cel;
  rule["message"] = message;
  schema["x-kubernetes-validations"].push_back(std::move(rule));
}

std::string ReferenceRows(const Json& schema, const std::string& path) {
  if (schema.contains("items")) return ReferenceRows(schema["items"], path + "[]");
  if (!schema.contains("properties")) return {};
  std::string rows;
  for (const auto& [name, property] : schema["properties"].items()) {
    const std::string field = path.empty() ? name : path + "." + name;
    bool required = false;
    for (const Json& one : schema.value("required", Json::array())) required |= one == name;
    std::string text = property["description"].get<std::string>() + Bounds(property, "");
    if (property.contains("default")) {
      const Json& value = property["default"];
      text += " Default `" + (value.is_string() ? value.get<std::string>() : value.dump()) + "`.";
    }
    rows += "| `" + field + "` | " + TypeName(property) + (required ? ", required" : "") + " | " +
            Cell(text) + " |\n";
    rows += ReferenceRows(property, field);
  }
  return rows;
}

}  // namespace tulle::json
