#include "lib/resources/manifest.h"

#include <yaml-cpp/yaml.h>

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "lib/json/path.h"
#include "lib/json/text.h"

namespace tulle::resources {
namespace {

using Json = nlohmann::json;

// Turns one document into JSON. A failure is thrown inside of this file only, because it ends a recursion.
struct Refused {
  json::Problem problem;
};

class Converter {
 public:
  Json Convert(const YAML::Node& node, const json::Path& path, size_t depth) {
    if (depth > json::kMaxDepth) Refuse(node, path, "nested deeper than 64 levels");
    if (++nodes_ > kMaxManifestNodes)
      Refuse(node, path, "the document is too large once its aliases are expanded");
    switch (node.Type()) {
      case YAML::NodeType::Sequence:
        return List(node, path, depth);
      case YAML::NodeType::Map:
        return Mapping(node, path, depth);
      case YAML::NodeType::Scalar:
        return Scalar(node);
      default:
        return nullptr;
    }
  }

 private:
  Json List(const YAML::Node& node, const json::Path& path, size_t depth) {
    Json list = Json::array();
    size_t index = 0;
    for (const YAML::Node& item : node) list.push_back(Convert(item, json::Path(path, index++), depth + 1));
    return list;
  }

  Json Mapping(const YAML::Node& node, const json::Path& path, size_t depth) {
    Json object = Json::object();
    for (const auto& member : node) {
      if (!member.first.IsScalar()) Refuse(member.first, path, "a key must be a string");
      const std::string& key = member.first.Scalar();
      const json::Path member_path(path, key);
      if (object.contains(key)) Refuse(member.first, member_path, "field is given twice");
      object[key] = Convert(member.second, member_path, depth + 1);
    }
    return object;
  }

  // The core schema of YAML 1.2: quoted scalars (tag "!") are strings, plain ones what they look like.
  static Json Scalar(const YAML::Node& node) {
    const std::string& text = node.Scalar();
    if (node.Tag() == "!" || node.Tag() == "tag:yaml.org,2002:str") return text;
    if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return nullptr;
    if (text == "true" || text == "True" || text == "TRUE") return true;
    if (text == "false" || text == "False" || text == "FALSE") return false;
    return Number(text);
  }

  static Json Number(const std::string& text) {
    const char* first = text.data() + (text[0] == '+' ? 1 : 0);
    const char* last = text.data() + text.size();
    if (first == last || text.find_first_not_of("+-.0123456789eE") != text.npos) return text;
    int64_t integer = 0;
    if (const auto [end, error] = std::from_chars(first, last, integer);
        error == std::errc() && end == last) {
      return integer;
    }
    double number = 0;
    if (const auto [end, error] = std::from_chars(first, last, number); error == std::errc() && end == last) {
      if (std::isfinite(number)) return number;
    }
    return text;
  }

  [[noreturn]] static void Refuse(const YAML::Node& node, const json::Path& path, std::string message) {
    const int line = node.Mark().line;
    if (line >= 0) message += " (line " + std::to_string(line + 1) + ")";
    throw Refused{{path.Text(), std::move(message)}};
  }

  size_t nodes_ = 0;
};

// yaml-cpp follows nesting with its own stack, so that it has to be kept from deep text: indentation is
// bounded by the size of the text, brackets are not.
bool NestsTooDeep(std::string_view text) {
  size_t open = 0;
  for (const char c : text) {
    if (c == '[' || c == '{') ++open;
    if ((c == ']' || c == '}') && open > 0) --open;
    if (open > 2 * json::kMaxDepth) return true;
  }
  return false;
}

void TakeApart(Json document, std::vector<Json>& out) {
  if (document.is_null()) return;
  const bool is_list = document.is_object() && document.value("kind", Json()) == "List" &&
                       document.value("items", Json()).is_array();
  if (!is_list) {
    out.push_back(std::move(document));
    return;
  }
  for (Json& item : document["items"]) out.push_back(std::move(item));
}

}  // namespace

base::Result<std::vector<Json>, json::Problems> ReadManifest(std::string_view text) {
  if (text.size() > kMaxManifestBytes) {
    return json::Problems{{"", "manifest of " + std::to_string(text.size()) + " bytes is longer than " +
                                   std::to_string(kMaxManifestBytes)}};
  }
  if (NestsTooDeep(text)) return json::Problems{{"", "nested deeper than 64 levels"}};
  std::vector<Json> documents;
  try {
    Converter converter;
    for (const YAML::Node& node : YAML::LoadAll(std::string(text))) {
      TakeApart(converter.Convert(node, json::Path(""), 0), documents);
    }
  } catch (const Refused& refused) {
    return json::Problems{refused.problem};
  } catch (const YAML::Exception& error) {
    return json::Problems{{"", std::string("not YAML: ") + error.what()}};
  }
  return documents;
}

}  // namespace tulle::resources
