#include "lib/resources/manifest.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <charconv>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "lib/json/lookup.h"
#include "lib/json/path.h"
#include "lib/json/text.h"

namespace tulle::resources {
namespace {

using Json = nlohmann::json;

// Ends a parse from inside of yaml-cpp's calls; never leaves this file.
struct Refused {
  json::Problem problem;
};

// Numbers as the core schema of YAML 1.2 writes them in decimal; anything else stays text.
Json Number(const std::string& text) {
  const char* first = text.data() + (text[0] == '+' ? 1 : 0);
  const char* last = text.data() + text.size();
  if (first == last || text.find_first_not_of("+-.0123456789eE") != text.npos) return text;
  int64_t integer = 0;
  if (const auto [end, error] = std::from_chars(first, last, integer); error == std::errc() && end == last) {
    return integer;
  }
  double number = 0;
  if (const auto [end, error] = std::from_chars(first, last, number); error == std::errc() && end == last) {
    if (std::isfinite(number)) return number;
  }
  return text;
}

// Quoted scalars (tag "!") are strings, plain ones what they look like.
Json Scalar(const std::string& tag, const std::string& text) {
  if (tag == "!" || tag == "tag:yaml.org,2002:str") return text;
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return nullptr;
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  return Number(text);
}

// Builds documents from the events of yaml-cpp's parser, and ends the parse by Refused.
class Builder : public YAML::EventHandler {
 public:
  std::vector<Json> documents;

  void OnDocumentStart(const YAML::Mark& mark) override {
    // yaml-cpp answers a stray ',' or ']' with empty documents for ever.
    if (mark.pos <= last_start_) Refuse(mark, "not YAML: unexpected character");
    last_start_ = mark.pos;
    anchors_.clear();
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    RefuseAsKey(mark);
    Keep(anchor, {nullptr, 1});
    Add(mark, nullptr, 1);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    RefuseAsKey(mark);
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) Refuse(mark, "an alias inside of what it stands for");
    Add(mark, found->second.value, found->second.nodes);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    if (AwaitsKey()) return SetKey(mark, text);
    const Json value = Scalar(tag, text);
    Keep(anchor, {value, 1});
    Add(mark, value, 1);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(mark, Json::array(), anchor);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(mark, Json::object(), anchor);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapEnd() override { Close(); }

 private:
  struct Anchored {
    Json value;
    size_t nodes = 0;
  };
  struct Level {
    Json value;
    YAML::anchor_t anchor;
    YAML::Mark mark;
    size_t nodes_before;
    bool has_key = false;
    std::string key = {};
  };

  bool AwaitsKey() const {
    return !levels_.empty() && levels_.back().value.is_object() && !levels_.back().has_key;
  }
  void RefuseAsKey(const YAML::Mark& mark) {
    if (AwaitsKey()) Refuse(mark, "a key must be a string");
  }

  void SetKey(const YAML::Mark& mark, const std::string& text) {
    Level& level = levels_.back();
    level.key = text;
    level.has_key = true;
    if (level.value.contains(text)) Refuse(mark, "field is given twice");
  }

  void Open(const YAML::Mark& mark, Json container, YAML::anchor_t anchor) {
    RefuseAsKey(mark);
    if (levels_.size() == json::kMaxDepth) Refuse(mark, "nested deeper than 64 levels");
    levels_.push_back({std::move(container), anchor, mark, nodes_});
  }

  void Close() {
    Level level = std::move(levels_.back());
    levels_.pop_back();
    if (level.anchor != 0) Keep(level.anchor, {level.value, nodes_ - level.nodes_before + 1});
    Add(level.mark, std::move(level.value), 1);
  }

  void Keep(YAML::anchor_t anchor, Anchored value) {
    if (anchor != 0) anchors_[anchor] = std::move(value);
  }

  void Add(const YAML::Mark& mark, Json value, size_t nodes) {
    nodes_ += nodes;
    if (nodes_ > kMaxManifestNodes) Refuse(mark, "the text is too large once its aliases are expanded");
    if (levels_.empty()) {
      documents.push_back(std::move(value));
    } else if (Level& level = levels_.back(); level.value.is_array()) {
      level.value.push_back(std::move(value));
    } else {
      level.value[level.key] = std::move(value);
      level.has_key = false;
    }
  }

  [[noreturn]] void Refuse(const YAML::Mark& mark, const std::string& message) {
    std::string path;
    for (const Level& level : levels_) {
      if (level.value.is_array()) {
        json::AppendIndex(path, level.value.size());
      } else if (level.has_key) {
        json::AppendKey(path, level.key);
      }
    }
    throw Refused{{path, message + " (line " + std::to_string(mark.line + 1) + ")"}};
  }

  std::vector<Level> levels_;
  std::map<YAML::anchor_t, Anchored> anchors_;
  size_t nodes_ = 0;
  int last_start_ = -1;
};

void TakeApart(Json document, std::vector<Json>& out) {
  if (document.is_null()) return;
  const bool is_list = json::TextAt(document, "kind") == "List" && json::At(document, "items").is_array();
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
  std::vector<Json> documents;
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    Builder builder;
    while (parser.HandleNextDocument(builder)) {
    }
    for (Json& document : builder.documents) TakeApart(std::move(document), documents);
  } catch (const Refused& refused) {
    return json::Problems{refused.problem};
  } catch (const YAML::Exception& error) {
    return json::Problems{{"", std::string("not YAML: ") + error.what()}};
  }
  return documents;
}

}  // namespace tulle::resources
