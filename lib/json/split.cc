#include <algorithm>
#include <nlohmann/json.hpp>

#include "lib/json/path.h"
#include "lib/json/text.h"

namespace tulle::json {
namespace {

// Walks over JSON text value by value without building anything.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool Take(char expected) {
    SkipSpace();
    if (at_ == text_.size() || text_[at_] != expected) return false;
    ++at_;
    return true;
  }

  bool AtEnd() {
    SkipSpace();
    return at_ == text_.size();
  }

  // The text of the next value, empty when there is none. Brackets are counted, not matched by kind: the
  // reader of the value finds out.
  std::string_view Value() {
    SkipSpace();
    const size_t start = at_;
    if (at_ < text_.size() && text_[at_] == '"') {
      if (!SkipString()) return {};
    } else if (at_ < text_.size() && (text_[at_] == '{' || text_[at_] == '[')) {
      if (!SkipContainer()) return {};
    } else {
      at_ = std::min(text_.find_first_of(",]} \t\r\n", at_), text_.size());
    }
    return text_.substr(start, at_ - start);
  }

  Problems Malformed(std::string_view expected) const {
    return {{"", "not JSON at byte " + std::to_string(at_) + ": expected " + std::string(expected)}};
  }

 private:
  void SkipSpace() { at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size()); }

  bool SkipString() {
    for (++at_; at_ < text_.size(); ++at_) {
      at_ = std::min(text_.find_first_of("\"\\", at_), text_.size());
      if (at_ == text_.size()) return false;
      if (text_[at_] == '"') {
        ++at_;
        return true;
      }
      ++at_;
    }
    return false;
  }

  bool SkipContainer() {
    size_t depth = 0;
    while (at_ < text_.size()) {
      at_ = std::min(text_.find_first_of("\"{}[]", at_), text_.size());
      if (at_ == text_.size()) return false;
      const char c = text_[at_];
      if (c == '"') {
        if (!SkipString()) return false;
        continue;
      }
      ++at_;
      if (c == '{' || c == '[') {
        ++depth;
      } else if (--depth == 0) {
        return true;
      }
    }
    return false;
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

base::Result<std::vector<RawMember>, Problems> SplitObject(std::string_view text) {
  Scanner scan(text);
  if (!scan.Take('{')) return scan.Malformed("an object");
  std::vector<RawMember> members;
  if (!scan.Take('}')) {
    do {
      const std::string_view quoted = scan.Value();
      if (!quoted.starts_with('"')) return scan.Malformed("a field name");
      base::Result<nlohmann::json, Problems> key = ReadText(quoted);
      if (!key) return key.failure();
      if (!scan.Take(':')) return scan.Malformed("':'");
      const std::string_view value = scan.Value();
      if (value.empty()) return scan.Malformed("a value");
      std::string name = std::move(key->get_ref<std::string&>());
      const auto same = [&name](const RawMember& member) { return member.key == name; };
      if (std::any_of(members.begin(), members.end(), same)) {
        std::string path;
        AppendKey(path, name);
        return Problems{{std::move(path), "field is given twice"}};
      }
      if (members.size() == kMaxProblems) return scan.Malformed("fewer fields");
      members.push_back({std::move(name), value});
    } while (scan.Take(','));
    if (!scan.Take('}')) return scan.Malformed("',' or '}'");
  }
  if (!scan.AtEnd()) return scan.Malformed("the end");
  return members;
}

base::Result<std::vector<std::string_view>, Problems> SplitList(std::string_view text) {
  Scanner scan(text);
  if (!scan.Take('[')) return scan.Malformed("a list");
  std::vector<std::string_view> values;
  if (!scan.Take(']')) {
    do {
      values.push_back(scan.Value());
      if (values.back().empty()) return scan.Malformed("a value");
    } while (scan.Take(','));
    if (!scan.Take(']')) return scan.Malformed("',' or ']'");
  }
  if (!scan.AtEnd()) return scan.Malformed("the end");
  return values;
}

}  // namespace tulle::json
