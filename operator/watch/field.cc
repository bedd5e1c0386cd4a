#include "operator/watch/field.h"

namespace tulle::control::watch {

Field Field::operator[](const char* name) const {
  const std::string path = path_.empty() ? name : path_ + "." + name;
  if (value_ == nullptr) return Field(nullptr, path, problems_);
  if (!value_->is_object()) {
    Problem("must be an object");
    return Field(nullptr, path, problems_);
  }
  const auto found = value_->find(name);
  return Field(found == value_->end() ? nullptr : &*found, path, problems_);
}

std::vector<Field> Field::Items() const {
  std::vector<Field> items;
  if (value_ == nullptr) return items;
  if (!value_->is_array()) {
    Problem("must be a list");
    return items;
  }
  for (size_t i = 0; i < value_->size(); ++i) {
    items.push_back(Field(&(*value_)[i], path_ + "[" + std::to_string(i) + "]", problems_));
  }
  return items;
}

std::string Field::Text(const std::string& otherwise) const {
  if (value_ == nullptr) return otherwise;
  if (value_->is_string()) return value_->get<std::string>();
  Problem("must be a string");
  return otherwise;
}

int64_t Field::Number(int64_t otherwise) const {
  if (value_ == nullptr) return otherwise;
  if (value_->is_number_integer()) return value_->get<int64_t>();
  Problem("must be a whole number");
  return otherwise;
}

bool Field::Bool(bool otherwise) const {
  if (value_ == nullptr) return otherwise;
  if (value_->is_boolean()) return value_->get<bool>();
  Problem("must be true or false");
  return otherwise;
}

model::Labels Field::Map() const {
  model::Labels labels;
  if (value_ == nullptr) return labels;
  if (!value_->is_object()) {
    Problem("must be an object");
    return labels;
  }
  for (const auto& [key, value] : value_->items()) {
    if (value.is_string()) {
      labels[key] = value.get<std::string>();
    } else {
      problems_->push_back({path_ + "." + key, "must be a string"});
    }
  }
  return labels;
}

const nlohmann::json& Field::raw() const {
  static const nlohmann::json kNull;
  return value_ == nullptr ? kNull : *value_;
}

}  // namespace tulle::control::watch
