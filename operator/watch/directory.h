#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "operator/watch/inbox.h"

namespace tulle::control::watch {

// A directory of YAML as the registry, for a mesh without Kubernetes: Namespaces, Services, Pods and our
// custom resources in *.yaml, *.yml and *.json, looked at every 100 ms by a thread of its own. Endpoints
// follow from selectors. A file that cannot be read as YAML keeps its last good content, an object that
// cannot be read keeps its last good form, and each is logged once by file and field.
class Directory {
 public:
  static constexpr std::chrono::milliseconds kInterval{100};
  static constexpr size_t kMaxFileBytes = 8 << 20;

  Directory(std::filesystem::path path, Inbox& inbox);
  ~Directory();

  void Start();
  // One look; what Start does over and over. Returns what is wrong and was not yet at the look before.
  std::vector<std::string> Scan();

 private:
  struct Fingerprint {
    std::filesystem::file_time_type changed;
    uintmax_t size = 0;
    bool operator==(const Fingerprint&) const = default;
  };
  struct File {
    Fingerprint fingerprint;
    std::vector<nlohmann::json> documents;
  };
  struct Known {
    model::Object object;
    std::string spec;  // text of a custom resource's spec, to count generations
    int64_t generation = 0;
  };
  using Objects = std::map<std::pair<model::Kind, std::string>, Known>;

  bool Reload(std::vector<std::string>& errors);
  Objects ReadAll(std::vector<std::string>& errors);
  std::optional<Known> ReadOne(nlohmann::json& document, const std::string& text,
                               std::vector<std::string>& errors);
  void Publish(Objects objects);

  const std::filesystem::path path_;
  Inbox& inbox_;
  std::map<std::string, File> files_;
  Objects objects_;
  std::set<std::string> reported_;
  bool first_ = true;
  std::string directory_error_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace tulle::control::watch
