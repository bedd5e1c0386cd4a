#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "operator/model/model.h"

namespace tulle::control::watch {

// One change of the registry: an object that is new or different, or the key of one that is gone.
struct Change {
  model::Kind kind = model::Kind::kPod;
  std::string key;
  std::optional<model::Object> object;
};

// Where registries put what they see, from any thread, and where the one publisher takes it in batches: a
// burst of changes becomes one batch, but none waits for longer than kLongestDelay.
class Inbox {
 public:
  static constexpr std::chrono::milliseconds kQuiet{20};
  static constexpr std::chrono::milliseconds kLongestDelay{200};

  // `on_custom` is called at once, on the registry's thread, for every custom resource that is put; it must
  // not block.
  explicit Inbox(std::function<void(const model::Meta&)> on_custom = {});

  void Put(model::Object object);
  void Remove(model::Kind kind, std::string key);
  // All objects of this kind that existed at some moment have been put.
  void Synced(model::Kind kind);

  // Waits for changes, then for quiet. Empty after Close, or when `patience` has passed without a change.
  std::vector<Change> Take(std::chrono::milliseconds patience);
  // Every kind has been synced at least once.
  bool synced() const;
  void Close();

  // Changes put so far.
  uint64_t received() const { return received_; }

 private:
  void Push(Change change);

  std::function<void(const model::Meta&)> on_custom_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Change> changes_;
  std::array<bool, model::kKindCount> synced_{};
  bool closed_ = false;
  std::atomic<uint64_t> received_ = 0;
};

}  // namespace tulle::control::watch
