#include "operator/distribute/subscriber.h"

#include <algorithm>
#include <array>

#include "lib/meshconfig/codec.h"
#include "lib/meshconfig/names.h"
#include "operator/distribute/limits.h"

namespace tulle::control::distribute {
namespace {

using meshconfig::Kind;

// What is referred to goes first, so that an update that had to be cut leaves no reference dangling.
constexpr std::array<Kind, 5> kSendOrder = {Kind::kMesh, Kind::kWorkload, Kind::kEndpoints, Kind::kService,
                                            Kind::kAddress};

// Access rules and roots are never taken away, even where the operator does not know them (yet): a sidecar
// without them would have to refuse everything or nothing.
bool IsFloor(const std::string& name) {
  const Kind kind = meshconfig::KindOf(name);
  return kind == Kind::kMesh || kind == Kind::kWorkload;
}

}  // namespace

std::optional<std::string> Subscriber::Subscribe(const meshconfig::Subscribe& message,
                                                 const std::string& own_namespace) {
  for (const std::string& name : message.names) {
    if (name.size() > kMaxNameBytes) return "a name of " + std::to_string(name.size()) + " bytes";
    const bool foreign = meshconfig::KindOf(name) == Kind::kWorkload &&
                         !meshconfig::WithoutKind(name).starts_with(own_namespace + "/");
    if (foreign) return "\"" + name + "\" is not of its namespace " + own_namespace;
    subscribed_.insert(name);
  }
  for (const meshconfig::Held& held : message.held) {
    if (held.name.size() > kMaxNameBytes) return "a name of " + std::to_string(held.name.size()) + " bytes";
    if (held.version.size() > kMaxVersionBytes)
      return "a version of " + std::to_string(held.version.size()) + " bytes";
    held_[held.name] = held.version;
  }
  if (subscribed_.size() > kMaxSubscriptions || held_.size() > 4 * kMaxSubscriptions) {
    return "more than " + std::to_string(kMaxSubscriptions) + " names";
  }
  return std::nullopt;
}

void Subscriber::Unsubscribe(const meshconfig::Unsubscribe& message) {
  for (const std::string& name : message.names) {
    subscribed_.erase(name);
    unknown_addresses_.erase(name);
  }
}

bool Subscriber::Ack(const meshconfig::Ack& message) {
  if (!in_flight_ || in_flight_->id != message.id) return false;
  std::set<std::string> refused;
  for (const meshconfig::Rejection& rejection : message.rejected) {
    if (!in_flight_->versions.contains(rejection.name)) continue;
    refused.insert(rejection.name);
    meshconfig::Rejection& kept = rejected_[rejection.name];
    kept = rejection;
    // What was sent counts, not what the sidecar says it was: otherwise it would be sent again for ever.
    kept.version = in_flight_->versions[rejection.name];
  }
  for (const auto& [name, version] : in_flight_->versions) {
    if (refused.contains(name)) continue;
    rejected_.erase(name);
    if (version.empty()) {
      held_.erase(name);
    } else {
      held_[name] = version;
    }
  }
  in_flight_.reset();
  return true;
}

const meshconfig::Resource& Subscriber::UnknownAddress(const std::string& name) {
  const auto [known, is_new] = unknown_addresses_.try_emplace(name);
  if (is_new) {
    const meshconfig::Address address{std::string(meshconfig::WithoutKind(name)), std::nullopt, std::nullopt};
    known->second = meshconfig::MakeResource(name, meshconfig::Encode(address));
  }
  return known->second;
}

std::map<std::string, Subscriber::Wanted> Subscriber::WantedOf(const compile::Compiled& compiled) {
  std::map<std::string, Wanted> wanted;
  std::vector<std::string> open(subscribed_.begin(), subscribed_.end());
  closure_.clear();
  while (!open.empty()) {
    const std::string name = std::move(open.back());
    open.pop_back();
    if (!closure_.insert(name).second) continue;
    const auto entry = compiled.entries.find(name);
    if (entry != compiled.entries.end()) {
      wanted[name] = {entry->second.resource.version, &entry->second.resource};
      open.insert(open.end(), entry->second.refers_to.begin(), entry->second.refers_to.end());
    } else if (meshconfig::KindOf(name) == Kind::kAddress) {
      const meshconfig::Resource& unknown = UnknownAddress(name);
      wanted[name] = {unknown.version, &unknown};
    } else if (const auto held = held_.find(name); held != held_.end() && IsFloor(name)) {
      wanted[name] = {held->second, nullptr};
    }
  }
  return wanted;
}

std::optional<meshconfig::Update> Subscriber::Next(const compile::Compiled& compiled) {
  const std::map<std::string, Wanted> wanted = WantedOf(compiled);
  if (in_flight_) return std::nullopt;
  meshconfig::Update update;
  InFlight sent;
  std::array<std::vector<const meshconfig::Resource*>, kSendOrder.size()> by_kind;
  for (const auto& [name, want] : wanted) {
    const auto held = held_.find(name);
    if (want.resource == nullptr || (held != held_.end() && held->second == want.version)) continue;
    const auto rejected = rejected_.find(name);
    if (rejected != rejected_.end() && rejected->second.version == want.version) continue;
    const auto at = std::find(kSendOrder.begin(), kSendOrder.end(), meshconfig::KindOf(name));
    if (at != kSendOrder.end())
      by_kind[static_cast<size_t>(at - kSendOrder.begin())].push_back(want.resource);
  }
  size_t bytes = 0;
  for (const auto& resources : by_kind) {
    for (const meshconfig::Resource* resource : resources) {
      if (bytes >= kUpdateBytes) break;
      bytes += resource->body.size() + resource->name.size();
      sent.versions[resource->name] = resource->version;
      update.resources.push_back(*resource);
    }
  }
  // Only with the last part: until then the sidecar may still need what goes.
  if (bytes < kUpdateBytes) {
    for (const auto& [name, version] : Delivered()) {
      if (wanted.contains(name)) continue;
      sent.versions[name] = "";
      update.removed.push_back(name);
    }
  }
  if (sent.versions.empty()) return std::nullopt;
  update.id = sent.id = ++last_id_;
  in_flight_ = std::move(sent);
  return update;
}

std::map<std::string, std::string> Subscriber::Delivered() const {
  std::map<std::string, std::string> delivered = held_;
  for (const auto& [name, rejection] : rejected_) delivered[name] = rejection.version;
  return delivered;
}

std::optional<meshconfig::Heartbeat> Subscriber::Beat() const {
  if (in_flight_) return std::nullopt;
  std::vector<meshconfig::Held> delivered;
  for (const auto& [name, version] : Delivered()) delivered.push_back({name, version});
  return meshconfig::Heartbeat{meshconfig::StateHash(std::move(delivered))};
}

bool Subscriber::Concerns(const std::vector<std::string>& changed) const {
  return std::any_of(changed.begin(), changed.end(),
                     [&](const std::string& name) { return closure_.contains(name); });
}

std::vector<std::string> ChangedNames(const compile::Compiled& before, const compile::Compiled& after) {
  std::vector<std::string> names;
  for (const auto& [name, entry] : before.entries) {
    const auto now = after.entries.find(name);
    if (now == after.entries.end() || now->second.resource.version != entry.resource.version)
      names.push_back(name);
  }
  for (const auto& [name, entry] : after.entries) {
    if (!before.entries.contains(name)) names.push_back(name);
  }
  return names;
}

}  // namespace tulle::control::distribute
