#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace tulle::webhook::inject {

// A JSON Patch (RFC 6902) that grows. Paths are JSON Pointers; Pointer escapes one step of them.
class Patch {
 public:
  static std::string Pointer(std::string_view step) {
    std::string escaped;
    for (const char c : step) escaped += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
    return "/" + escaped;
  }

  // Sets a member, or inserts before an item of a list.
  void Add(std::string path, nlohmann::ordered_json value) {
    Append("add", std::move(path), std::move(value));
  }
  void Replace(std::string path, nlohmann::ordered_json value) {
    Append("replace", std::move(path), std::move(value));
  }

  const nlohmann::ordered_json& operations() const { return operations_; }

 private:
  void Append(const char* op, std::string path, nlohmann::ordered_json value) {
    nlohmann::ordered_json operation = nlohmann::ordered_json::object();
    operation["op"] = op;
    operation["path"] = std::move(path);
    operation["value"] = std::move(value);
    operations_.push_back(std::move(operation));
  }

  nlohmann::ordered_json operations_ = nlohmann::ordered_json::array();
};

}  // namespace tulle::webhook::inject
