#include "operator/watch/directory.h"

#include <spdlog/spdlog.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "lib/resources/manifest.h"
#include "operator/watch/derive.h"
#include "operator/watch/read.h"

namespace tulle::control::watch {
namespace {

bool IsManifest(const std::filesystem::path& path) {
  const std::string extension = path.extension();
  return extension == ".yaml" || extension == ".yml" || extension == ".json";
}

base::Result<std::vector<nlohmann::json>, json::Problems> ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) return json::Problems{{"", "cannot be read"}};
  if (text.str().size() > Directory::kMaxFileBytes) return json::Problems{{"", "is too large"}};
  return resources::ReadManifest(text.str());
}

// Kubernetes would have put the object of a namespaced kind into "default".
void FillNamespace(model::Kind kind, nlohmann::json& object) {
  if (kind == model::Kind::kNamespace || !object.contains("metadata")) return;
  nlohmann::json& metadata = object["metadata"];
  if (metadata.is_object() && !metadata.contains("namespace")) metadata["namespace"] = "default";
}

std::string KeyIn(const nlohmann::json& object) {
  json::Problems ignored;
  const Field metadata = Field(object, ignored)["metadata"];
  return model::Key(metadata["namespace"].Text(), metadata["name"].Text());
}

std::string NameIn(const nlohmann::json& object) {
  json::Problems ignored;
  return Field(object, ignored)["kind"].Text() + " " + KeyIn(object);
}

model::Meta* MetaOf(model::Object& object) {
  return std::visit(
      [](auto& o) -> model::Meta* {
        if constexpr (requires { o.meta; }) {
          return &o.meta;
        } else {
          return nullptr;
        }
      },
      object);
}

}  // namespace

Directory::Directory(std::filesystem::path path, Inbox& inbox) : path_(std::move(path)), inbox_(inbox) {}

Directory::~Directory() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
}

void Directory::Start() {
  thread_ = std::thread([this] {
    while (!stop_) {
      for (const std::string& error : Scan()) spdlog::error("registry: {}", error);
      std::this_thread::sleep_for(kInterval);
    }
  });
}

std::vector<std::string> Directory::Scan() {
  std::vector<std::string> errors;
  if (!Reload(errors)) return errors;
  Publish(ReadAll(errors));
  std::set<std::string> now(errors.begin(), errors.end());
  std::erase_if(errors, [&](const std::string& error) { return reported_.contains(error); });
  reported_ = std::move(now);
  return errors;
}

// Reads the files that changed. Returns whether anything is different.
bool Directory::Reload(std::vector<std::string>& errors) {
  std::error_code error;
  std::map<std::string, Fingerprint> found;
  for (auto entry = std::filesystem::directory_iterator(path_, error);
       !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    std::error_code gone;
    const Fingerprint fingerprint{entry->last_write_time(gone), entry->file_size(gone)};
    if (IsManifest(entry->path()) && !gone) found[entry->path()] = fingerprint;
  }
  if (error) {
    // Rather the objects of a moment ago than none: an unreadable directory is an accident.
    if (directory_error_ != error.message()) errors.push_back(path_.string() + ": " + error.message());
    directory_error_ = error.message();
    return false;
  }
  directory_error_.clear();
  bool different = std::exchange(first_, false);
  different |= std::erase_if(files_, [&](const auto& file) { return !found.contains(file.first); }) > 0;
  for (const auto& [name, fingerprint] : found) {
    const auto [file, is_new] = files_.try_emplace(name);
    if (!is_new && file->second.fingerprint == fingerprint) continue;
    different = true;
    file->second.fingerprint = fingerprint;
    auto documents = ReadFile(name);
    if (documents.ok()) {
      file->second.documents = std::move(*documents);
    } else {
      errors.push_back(name + ": " + json::JoinProblems(documents.failure()) +
                       "; its last good content stays");
    }
  }
  return different;
}

Directory::Objects Directory::ReadAll(std::vector<std::string>& errors) {
  Objects objects;
  std::vector<Selection> selections;
  std::map<std::string, model::Pod> pods;
  std::map<std::string, bool> ready;
  for (auto& [name, file] : files_) {
    for (nlohmann::json& document : file.documents) {
      const std::string text = name + ": " + NameIn(document) + ": ";
      std::optional<Known> known = ReadOne(document, text, errors);
      if (!known) continue;
      const model::Kind kind = model::KindOf(known->object);
      const std::string key = model::KeyOf(known->object);
      if (objects.contains({kind, key})) {
        errors.push_back(text + "it stands twice; the first one counts");
        continue;
      }
      if (const auto* service = std::get_if<model::Service>(&known->object)) {
        selections.push_back(ReadSelection(*service, document));
      }
      if (const auto* pod = std::get_if<model::Pod>(&known->object)) {
        pods[key] = *pod;
        ready[key] = ReadReady(document);
      }
      objects.emplace(std::pair(kind, key), std::move(*known));
    }
  }
  for (const Selection& selection : selections) {
    for (model::EndpointSlice& slice : DeriveSlices(selection, pods, ready)) {
      const std::string key = model::Key(slice.ns, slice.name);
      objects.try_emplace({model::Kind::kEndpointSlice, key}, Known{std::move(slice), "", 1});
    }
  }
  return objects;
}

// Nothing for a document that is not ours or cannot be read and never could.
std::optional<Directory::Known> Directory::ReadOne(nlohmann::json& document, const std::string& text,
                                                   std::vector<std::string>& errors) {
  const std::optional<model::Kind> kind = KindOf(document);
  if (!kind) {
    errors.push_back(text + "the mesh has no use for this apiVersion and kind");
    return std::nullopt;
  }
  FillNamespace(*kind, document);
  base::Result<model::Object, json::Problems> read = ReadObject(*kind, document);
  const std::string key = read.ok() ? model::KeyOf(*read) : KeyIn(document);
  const auto old = objects_.find({*kind, key});
  if (!read.ok()) {
    errors.push_back(text + json::JoinProblems(read.failure()));
    return old == objects_.end() ? std::nullopt : std::optional(old->second);
  }
  Known known{std::move(*read), "", 1};
  if (model::Meta* meta = MetaOf(known.object)) {
    known.spec = document.contains("spec") ? document["spec"].dump() : "";
    if (old != objects_.end()) known.generation = old->second.generation + (known.spec != old->second.spec);
    meta->generation = known.generation;
    meta->uid = "file:" + key;
    if (!meta->problems.empty()) errors.push_back(text + json::JoinProblems(meta->problems));
  }
  return known;
}

void Directory::Publish(Objects objects) {
  for (const auto& [id, known] : objects_) {
    if (!objects.contains(id)) inbox_.Remove(id.first, id.second);
  }
  // The model sees by itself what is equal; sending all again keeps this side simple.
  for (const auto& [id, known] : objects) inbox_.Put(known.object);
  objects_ = std::move(objects);
  for (int kind = 0; kind < model::kKindCount; ++kind) inbox_.Synced(static_cast<model::Kind>(kind));
}

}  // namespace tulle::control::watch
