#include "crds/crd.h"

#include <nlohmann/json.hpp>

#include "crds/yaml.h"
#include "lib/json/schema.h"
#include "lib/resources/kinds.h"

namespace tulle::crds {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kYamlHead =
    "# Generated from lib/resources/types.h by tulle-crds; a test fails when it is edited here.\n";
constexpr const char* kPageHead =
    "<!-- Generated from lib/resources/types.h by tulle-crds; a test fails when it is edited here. -->\n"
    "# Resources\n\n"
    "The custom resources of `tulle.dev/v1alpha1`. Every field that exists is listed; unknown fields are "
    "refused.\n";

// Bounds of a condition are those of metav1.Condition.
constexpr const char* kStatusSchema = R"({
  "type": "object",
  "description": "What the mesh made of this object; written by tulle-operator.",
  "properties": {
    "observedGeneration": {"type": "integer", "format": "int64", "description": "The generation of the object that the conditions are about."},
    "conditions": {
      "type": "array",
      "maxItems": 8,
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["type"],
      "description": "Accepted: the object is valid and compiled. ResolvedRefs: all that it names exists. Live: how many of the sidecars concerned run it.",
      "items": {
        "type": "object",
        "description": "One condition.",
        "required": ["type", "status", "lastTransitionTime", "reason", "message"],
        "properties": {
          "type": {"type": "string", "maxLength": 316, "description": "Accepted, ResolvedRefs or Live."},
          "status": {"type": "string", "enum": ["True", "False", "Unknown"], "description": "Whether it holds."},
          "observedGeneration": {"type": "integer", "format": "int64", "minimum": 0, "description": "The generation that it was decided for."},
          "lastTransitionTime": {"type": "string", "format": "date-time", "description": "When status changed last."},
          "reason": {"type": "string", "minLength": 1, "maxLength": 1024, "description": "One word for programs."},
          "message": {"type": "string", "maxLength": 32768, "description": "A sentence for people."}
        }
      }
    }
  }
})";

Json ColumnOf(const resources::Column& column) {
  Json out = Json::object();
  out["name"] = column.name;
  out["type"] = column.type;
  out["jsonPath"] = column.json_path;
  return out;
}

template <class Spec>
Json ColumnsOf(const resources::KindOf<Spec>& kind) {
  static constexpr resources::Column kStatusColumns[] = {
      {"Accepted", "string", ".status.conditions[?(@.type==\"Accepted\")].status"},
      {"Live", "string", ".status.conditions[?(@.type==\"Live\")].message"},
      {"Age", "date", ".metadata.creationTimestamp"}};
  Json columns = Json::array();
  for (const resources::Column& column : kind.columns) {
    if (column.name != nullptr) columns.push_back(ColumnOf(column));
  }
  for (const resources::Column& column : kStatusColumns) columns.push_back(ColumnOf(column));
  return columns;
}

template <class Spec>
Json NamesOf(const resources::KindOf<Spec>& kind) {
  Json names = Json::object();
  names["kind"] = kind.kind;
  names["listKind"] = std::string(kind.kind) + "List";
  names["plural"] = kind.plural;
  names["singular"] = kind.singular;
  names["shortNames"] = Json::array();
  for (const char* name : kind.short_names) {
    if (name != nullptr) names["shortNames"].push_back(name);
  }
  names["categories"] = {"tulle"};
  return names;
}

template <class Spec>
Json RootSchema() {
  Json spec = json::Schema<Spec>();
  Json root = Json::object();
  root["type"] = "object";
  root["description"] = spec["description"];
  root["required"] = {"spec"};
  root["properties"]["apiVersion"] = {{"type", "string"}};
  root["properties"]["kind"] = {{"type", "string"}};
  root["properties"]["metadata"] = {{"type", "object"}};
  root["properties"]["spec"] = std::move(spec);
  root["properties"]["status"] = Json::parse(kStatusSchema);
  return root;
}

template <class Spec>
Json Definition(const resources::KindOf<Spec>& kind) {
  const std::string group(resources::kGroup);
  Json version = Json::object();
  version["name"] = std::string(resources::kVersion);
  version["served"] = true;
  version["storage"] = true;
  version["subresources"]["status"] = Json::object();
  version["additionalPrinterColumns"] = ColumnsOf(kind);
  version["schema"]["openAPIV3Schema"] = RootSchema<Spec>();

  Json crd = Json::object();
  crd["apiVersion"] = "apiextensions.k8s.io/v1";
  crd["kind"] = "CustomResourceDefinition";
  crd["metadata"]["name"] = std::string(kind.plural) + "." + group;
  crd["metadata"]["labels"]["app.kubernetes.io/part-of"] = "tulle";
  crd["spec"]["group"] = group;
  crd["spec"]["scope"] = "Namespaced";
  crd["spec"]["names"] = NamesOf(kind);
  crd["spec"]["versions"] = Json::array({version});
  return crd;
}

template <class Spec>
std::string Section(const resources::KindOf<Spec>& kind) {
  const Json schema = json::Schema<Spec>();
  std::string text = "\n## " + std::string(kind.kind) + "\n\n" + schema["description"].get<std::string>() +
                     "\n\n`kubectl get " + kind.plural + "`, short `" + kind.short_names[0] +
                     "`. Example: [crds/examples/" + kind.singular + ".yaml](../../crds/examples/" +
                     kind.singular + ".yaml).\n\n| field | type | meaning |\n|---|---|---|\n";
  return text + json::ReferenceRows(schema, "spec");
}

}  // namespace

std::vector<File> GeneratedFiles() {
  std::vector<File> files;
  std::string page = kPageHead;
  resources::ForEachKind([&](const auto& kind) {
    const std::string name = std::string(kind.plural) + "." + std::string(resources::kGroup);
    files.push_back({"crds/" + name + ".yaml", kYamlHead + PrintYaml(Definition(kind))});
    page += Section(kind);
  });
  files.push_back({"docs/reference/resources.md", std::move(page)});
  return files;
}

}  // namespace tulle::crds
