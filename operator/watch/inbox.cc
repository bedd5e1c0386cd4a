#include "operator/watch/inbox.h"

#include <algorithm>

namespace tulle::control::watch {
namespace {

template <class T>
void CallIfCustom(const std::function<void(const model::Meta&)>& call, const T& object) {
  if constexpr (requires { object.spec; }) call(object.meta);
}

}  // namespace

Inbox::Inbox(std::function<void(const model::Meta&)> on_custom) : on_custom_(std::move(on_custom)) {}

void Inbox::Put(model::Object object) {
  if (on_custom_) std::visit([&](const auto& o) { CallIfCustom(on_custom_, o); }, object);
  Change change{model::KindOf(object), model::KeyOf(object), std::nullopt};
  change.object = std::move(object);
  Push(std::move(change));
}

void Inbox::Remove(model::Kind kind, std::string key) { Push({kind, std::move(key), std::nullopt}); }

void Inbox::Push(Change change) {
  const std::lock_guard lock(mutex_);
  ++received_;
  changes_.push_back(std::move(change));
  changed_.notify_all();
}

void Inbox::Synced(model::Kind kind) {
  const std::lock_guard lock(mutex_);
  synced_[static_cast<size_t>(kind)] = true;
  changed_.notify_all();
}

bool Inbox::synced() const {
  const std::lock_guard lock(mutex_);
  return std::all_of(synced_.begin(), synced_.end(), [](bool one) { return one; });
}

std::vector<Change> Inbox::Take(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, patience, [&] { return closed_ || !changes_.empty(); });
  const auto latest = std::chrono::steady_clock::now() + kLongestDelay;
  size_t seen = 0;
  while (!closed_ && seen != changes_.size()) {
    seen = changes_.size();
    const auto quiet_at = std::min(std::chrono::steady_clock::now() + kQuiet, latest);
    changed_.wait_until(lock, quiet_at, [&] { return closed_ || changes_.size() != seen; });
    if (std::chrono::steady_clock::now() >= latest) break;
  }
  return std::exchange(changes_, {});
}

void Inbox::Close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

}  // namespace tulle::control::watch
