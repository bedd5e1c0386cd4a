#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tulle::json {

// Where in a document a reader stands, as a chain of frames on its stack: nothing is allocated until a
// problem has to name the place. A Path must not outlive its parent or the key that it points to.
class Path {
 public:
  explicit Path(std::string_view root) : key_(root) {}
  Path(const Path& parent, std::string_view key) : parent_(&parent), key_(key) {}
  Path(const Path& parent, size_t index) : parent_(&parent), index_(index), is_index_(true) {}

  // "spec.backends[1].weight"; keys that are no identifiers are quoted: spec.selector["app/name"].
  std::string Text() const;

 private:
  const Path* parent_ = nullptr;
  std::string_view key_;
  size_t index_ = 0;
  bool is_index_ = false;
};

// Appends one step to the text of a path, as Path::Text writes it.
void AppendKey(std::string& path, std::string_view key);
void AppendIndex(std::string& path, size_t index);

// A value as an error message quotes it: in double quotes, at most 64 bytes long, always valid UTF-8.
std::string Quote(std::string_view value);

}  // namespace tulle::json
