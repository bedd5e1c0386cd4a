#include "lib/resources/parse.h"

#include <nlohmann/json.hpp>

#include "lib/json/lookup.h"
#include "lib/json/parse.h"
#include "lib/json/path.h"
#include "lib/resources/kinds.h"

namespace tulle::resources {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxNameBytes = 253;
constexpr size_t kMaxNamespaceBytes = 63;

bool IsDnsName(std::string_view name, size_t max_bytes, bool dots) {
  if (name.empty() || name.size() > max_bytes) return false;
  const auto alphanumeric = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (!alphanumeric(name.front()) || !alphanumeric(name.back())) return false;
  for (const char c : name) {
    if (!alphanumeric(c) && c != '-' && !(dots && c == '.')) return false;
  }
  return true;
}

void ReadMetadata(const Json& metadata, Object& out, json::Problems& problems) {
  out.name = json::TextAt(metadata, "name");
  out.namespace_name = json::TextAt(metadata, "namespace");
  out.uid = json::TextAt(metadata, "uid");
  out.creation_timestamp = json::TextAt(metadata, "creationTimestamp");
  if (const Json& generation = json::At(metadata, "generation"); generation.is_number_integer()) {
    out.generation = generation.get<int64_t>();
  }
  // kubectl create with generateName reaches the webhook before the name is chosen.
  const bool named_later = out.name.empty() && !json::TextAt(metadata, "generateName").empty();
  if (!named_later && !IsDnsName(out.name, kMaxNameBytes, true)) {
    problems.push_back(
        {"metadata.name", out.name.empty() ? "is required" : json::Quote(out.name) + " is not a name"});
  }
  if (!out.namespace_name.empty() && !IsDnsName(out.namespace_name, kMaxNamespaceBytes, false)) {
    problems.push_back({"metadata.namespace", json::Quote(out.namespace_name) + " is not a name"});
  }
}

void ReadSpec(const Json& object, Object& out, json::Problems& problems) {
  std::string kinds;
  bool known = false;
  ForEachKind([&](const auto& kind) {
    kinds += (kinds.empty() ? "" : ", ") + std::string(kind.kind);
    if (out.kind != kind.kind) return;
    known = true;
    const auto spec = object.find("spec");
    if (spec == object.end()) {
      problems.push_back({"spec", "is required"});
      return;
    }
    using SpecType = typename std::decay_t<decltype(kind)>::SpecType;
    base::Result<SpecType, json::Problems> parsed = json::Parse<SpecType>(*spec, "spec");
    if (parsed) {
      out.spec = std::move(*parsed);
    } else {
      problems.insert(problems.end(), parsed.failure().begin(), parsed.failure().end());
    }
  });
  if (!known) problems.push_back({"kind", "must be one of " + kinds + ", got " + json::Quote(out.kind)});
}

void RefuseOtherMembers(const Json& object, json::Problems& problems) {
  for (const auto& [key, unused] : object.items()) {
    if (key == "apiVersion" || key == "kind" || key == "metadata" || key == "spec" || key == "status")
      continue;
    problems.push_back({json::Path(json::Path(""), key).Text(), "unknown field"});
    if (problems.size() >= json::kMaxProblems) return;
  }
}

}  // namespace

bool IsOurs(const Json& object) {
  const std::string version = json::TextAt(object, "apiVersion");
  return version.starts_with(kGroup) && version.substr(kGroup.size()).starts_with('/');
}

base::Result<Object, json::Problems> ParseObject(const Json& object) {
  if (!object.is_object())
    return json::Problems{{"", "expected an object with apiVersion, kind, metadata and spec"}};
  json::Problems problems;
  Object out;
  out.kind = json::TextAt(object, "kind");
  if (const std::string version = json::TextAt(object, "apiVersion"); version != kApiVersion) {
    problems.push_back(
        {"apiVersion", "must be " + std::string(kApiVersion) + ", got " + json::Quote(version)});
    return problems;
  }
  ReadMetadata(json::At(object, "metadata"), out, problems);
  ReadSpec(object, out, problems);
  RefuseOtherMembers(object, problems);
  if (!problems.empty()) return problems;
  return out;
}

std::string DescribeProblems(const Json& object, const json::Problems& problems) {
  const Json& metadata = json::At(object, "metadata");
  const std::string kind = json::TextAt(object, "kind");
  const std::string namespace_name = json::TextAt(metadata, "namespace");
  std::string name = json::TextAt(metadata, "name");
  if (name.empty()) name = json::TextAt(metadata, "generateName");
  std::string text = kind.empty() ? "object" : kind;
  if (!name.empty()) text += " " + (namespace_name.empty() ? "" : namespace_name + "/") + name;
  return text + ": " + json::JoinProblems(problems);
}

}  // namespace tulle::resources
