#include "lib/json/text.h"

#include <nlohmann/json.hpp>

#include "lib/json/path.h"

namespace tulle::json {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxSyntaxMessage = 300;

// nlohmann's text without its "[json.exception.parse_error.101] " and safe to print.
std::string SyntaxMessage(std::string_view what) {
  if (const size_t end = what.find("] "); what.starts_with('[') && end != what.npos)
    what.remove_prefix(end + 2);
  std::string text(what.substr(0, kMaxSyntaxMessage));
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7F) c = '?';
  }
  return text;
}

// Builds the value from the events of nlohmann's parser, which alone would let a later duplicate win and nest
// without bound. A method that returns false ends the parse.
class Builder : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return Add(nullptr) != nullptr; }
  bool boolean(bool value) override { return Add(value) != nullptr; }
  bool number_integer(number_integer_t value) override { return Add(value) != nullptr; }
  bool number_unsigned(number_unsigned_t value) override { return Add(value) != nullptr; }
  bool number_float(number_float_t value, const string_t&) override { return Add(value) != nullptr; }
  bool string(string_t& value) override { return Add(std::move(value)) != nullptr; }
  bool binary(binary_t&) override { return false; }
  bool start_object(size_t) override { return Open(Json::object()); }
  bool start_array(size_t) override { return Open(Json::array()); }
  bool end_object() override { return Close(); }
  bool end_array() override { return Close(); }

  bool key(string_t& name) override {
    Json& object = *stack_.back().value;
    stack_.back().key = name;
    const auto [slot, is_new] = object.get_ref<Json::object_t&>().try_emplace(std::move(name));
    stack_.back().slot = &slot->second;
    if (!is_new) Report("field is given twice");
    return problems.size() < kMaxProblems;
  }

  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception& error) override {
    problems.push_back({"", SyntaxMessage(error.what())});
    return false;
  }

  Json root;
  Problems problems;

 private:
  struct Level {
    Json* value;
    Json* slot = nullptr;  // objects: where the value of `key` goes
    std::string key;
  };

  Json* Add(Json value) {
    if (stack_.empty()) {
      root = std::move(value);
      return &root;
    }
    Level& level = stack_.back();
    if (level.value->is_object()) {
      *level.slot = std::move(value);
      return level.slot;
    }
    level.value->push_back(std::move(value));
    return &level.value->back();
  }

  bool Open(Json container) {
    if (stack_.size() == kMaxDepth) {
      Report("nested deeper than " + std::to_string(kMaxDepth) + " levels");
      return false;
    }
    stack_.push_back({Add(std::move(container)), nullptr, {}});
    return true;
  }

  bool Close() {
    stack_.pop_back();
    return true;
  }

  void Report(std::string message) {
    std::string path;
    for (const Level& level : stack_) {
      if (level.value->is_object()) {
        AppendKey(path, level.key);
      } else {
        AppendIndex(path, level.value->empty() ? 0 : level.value->size() - 1);
      }
    }
    problems.push_back({std::move(path), std::move(message)});
  }

  std::vector<Level> stack_;
};

}  // namespace

base::Result<Json, Problems> ReadText(std::string_view text, size_t max_bytes) {
  if (text.size() > max_bytes) {
    return Problems{{"", "text of " + std::to_string(text.size()) + " bytes is longer than the limit of " +
                             std::to_string(max_bytes)}};
  }
  Builder builder;
  const bool complete = Json::sax_parse(text.begin(), text.end(), &builder);
  if (!complete && builder.problems.empty()) builder.problems.push_back({"", "is not JSON"});
  if (!builder.problems.empty()) return std::move(builder.problems);
  return std::move(builder.root);
}

void AppendString(std::string& text, std::string_view value) {
  text += Json(value).dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace tulle::json
