#pragma once

#include <chrono>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <random>
#include <set>
#include <stop_token>
#include <string>

#include "lib/kube/client.h"

namespace tulle::kube {

// What a watch tells. All calls come from the thread that runs the watch. `key` is "namespace/name", for a
// cluster-scoped object its name.
class WatchHandler {
 public:
  virtual ~WatchHandler() = default;
  virtual void OnPut(const std::string& key, const nlohmann::json& object) = 0;
  virtual void OnDelete(const std::string& key) = 0;
  // Everything that exists has been put, and what ceased to exist meanwhile deleted.
  virtual void OnSynced() = 0;
  virtual void OnTrouble(const std::string& what) = 0;
};

// Follows one collection for ever: lists it in pages, watches from there with bookmarks, goes on after a
// broken connection where it stopped, lists anew when the server has forgotten that far back (410), and waits
// between failures with growing, jittered pauses. An object may be put again though nothing changed.
class Watch {
 public:
  struct Options {
    size_t page = 500;
    std::chrono::seconds longest{300};  // of one watch call
    std::chrono::milliseconds first_pause{200};
    std::chrono::milliseconds longest_pause{15000};
    // A collection that the server does not know is an empty one, which is asked for again every such pause.
    bool may_be_missing = false;
    std::chrono::milliseconds missing_pause{2000};
  };
  Watch(Client& client, Collection collection, WatchHandler& handler, Options options);

  // Returns after `stop`.
  void Run(std::stop_token stop);

 private:
  bool ListAll(std::stop_token stop);
  void ListNothing();
  // False when the collection must be listed anew.
  bool Follow(std::stop_token stop);
  bool TakeEvent(std::string_view line);
  void Put(const nlohmann::json& object, std::set<std::string>& keys);
  void Trouble(const std::string& what);
  void Pause(std::stop_token stop);
  void PauseFor(std::chrono::milliseconds time, std::stop_token stop);

  Client& client_;
  const Collection collection_;
  WatchHandler& handler_;
  const Options options_;
  std::minstd_rand random_;
  std::set<std::string> keys_;    // of objects that the handler has
  std::string resource_version_;  // to go on from; empty = list
  bool expired_ = false;          // the watch in progress said 410
  bool progressed_ = false;       // it said anything at all
  bool missing_ = false;          // the server does not know the collection
  std::chrono::milliseconds pause_;
};

}  // namespace tulle::kube
