#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lib/json/fields.h"
#include "operator/model/objects.h"

namespace tulle::control::watch {

// A place in a Kubernetes object, for reading the few fields that the mesh needs out of many. What is absent
// or null reads as empty; what has another type is noted as a problem with its path and reads as empty, too.
// Refers to the object and the list of problems, which must outlive it.
class Field {
 public:
  Field(const nlohmann::json& value, json::Problems& problems) : Field(&value, "", &problems) {}

  Field operator[](const char* name) const;
  std::vector<Field> Items() const;

  bool present() const { return value_ != nullptr; }
  std::string Text(const std::string& otherwise = "") const;
  int64_t Number(int64_t otherwise = 0) const;
  bool Bool(bool otherwise) const;
  model::Labels Map() const;
  const nlohmann::json& raw() const;
  const std::string& path() const { return path_; }

  void Problem(const std::string& message) const { problems_->push_back({path_, message}); }

 private:
  Field(const nlohmann::json* value, std::string path, json::Problems* problems)
      : value_(value != nullptr && value->is_null() ? nullptr : value),
        path_(std::move(path)),
        problems_(problems) {}

  const nlohmann::json* value_;
  std::string path_;
  json::Problems* problems_;
};

}  // namespace tulle::control::watch
