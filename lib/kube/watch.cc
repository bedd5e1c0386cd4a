#include "lib/kube/watch.h"

#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>

namespace tulle::kube {
namespace {

using nlohmann::json;

std::string TextAt(const json& object, const char* pointer) {
  const json::json_pointer at(pointer);
  if (!object.is_object() || !object.contains(at) || !object.at(at).is_string()) return "";
  return object.at(at).get<std::string>();
}

std::string KeyOf(const json& object) {
  const std::string ns = TextAt(object, "/metadata/namespace"), name = TextAt(object, "/metadata/name");
  return ns.empty() ? name : ns + "/" + name;
}

}  // namespace

Watch::Watch(Client& client, Collection collection, WatchHandler& handler, Options options)
    : client_(client),
      collection_(std::move(collection)),
      handler_(handler),
      options_(options),
      random_(std::random_device{}()),
      pause_(options.first_pause) {}

void Watch::Run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    if (resource_version_.empty() && !ListAll(stop)) {
      Pause(stop);
      continue;
    }
    if (!Follow(stop)) resource_version_.clear();
  }
}

bool Watch::ListAll(std::stop_token stop) {
  std::set<std::string> found;
  std::string continue_token, version;
  do {
    const Client::Answer page = client_.List(collection_, options_.page, continue_token, stop);
    if (stop.stop_requested()) return false;
    missing_ = !page.ok() && page.failure().not_found() && options_.may_be_missing;
    if (missing_) {
      ListNothing();
      return false;
    }
    if (!page.ok()) {
      Trouble(page.failure().what);
      return false;
    }
    const json& list = *page;
    const auto items = list.find("items");
    version = TextAt(list, "/metadata/resourceVersion");
    if (version.empty() || items == list.end() || !(items->is_array() || items->is_null())) {
      Trouble("GET " + collection_.plural + ": the answer is not a list");
      return false;
    }
    for (const json& object : *items) Put(object, found);
    continue_token = TextAt(list, "/metadata/continue");
  } while (!continue_token.empty());
  for (const std::string& key : keys_) {
    if (!found.contains(key)) handler_.OnDelete(key);
  }
  keys_ = std::move(found);
  resource_version_ = version;
  handler_.OnSynced();
  return true;
}

void Watch::ListNothing() {
  for (const std::string& key : keys_) handler_.OnDelete(key);
  keys_.clear();
  pause_ = options_.first_pause;
  handler_.OnSynced();
}

bool Watch::Follow(std::stop_token stop) {
  expired_ = progressed_ = false;
  const auto began = std::chrono::steady_clock::now();
  const auto ended = client_.Watch(collection_, resource_version_, options_.longest, stop,
                                   [this](std::string_view line) { return TakeEvent(line); });
  if (stop.stop_requested()) return true;
  if (expired_ || (!ended.ok() && ended.failure().gone())) return false;
  if (options_.may_be_missing && !ended.ok() && ended.failure().not_found()) return false;
  if (progressed_) pause_ = options_.first_pause;
  if (!ended.ok()) Trouble(ended.failure().what);
  // A server that ends each watch at once must not be asked in a tight loop, either.
  const bool was_short = std::chrono::steady_clock::now() - began < options_.first_pause;
  if (!ended.ok() || (was_short && !progressed_)) Pause(stop);
  return true;
}

// False ends the watch call.
bool Watch::TakeEvent(std::string_view line) {
  const json event = json::parse(line, nullptr, false);
  const std::string type = TextAt(event, "/type");
  if (type.empty() || !event.contains("object")) {
    Trouble("WATCH " + collection_.plural + ": a line is not an event");
    return false;
  }
  const json& object = event["object"];
  if (type == "ERROR") {
    expired_ = object.is_object() && object.contains("code") && object["code"] == 410;
    if (!expired_) Trouble("WATCH " + collection_.plural + ": " + object.dump().substr(0, 500));
    return false;
  }
  const std::string version = TextAt(object, "/metadata/resourceVersion");
  if (!version.empty()) resource_version_ = version;
  progressed_ = true;
  if (type == "ADDED" || type == "MODIFIED") {
    Put(object, keys_);
  } else if (type == "DELETED") {
    const std::string key = KeyOf(object);
    keys_.erase(key);
    handler_.OnDelete(key);
  }
  return true;
}

void Watch::Put(const json& object, std::set<std::string>& keys) {
  std::string key = KeyOf(object);
  if (key.empty()) return;
  handler_.OnPut(key, object);
  keys.insert(std::move(key));
}

void Watch::Trouble(const std::string& what) { handler_.OnTrouble(what); }

void Watch::Pause(std::stop_token stop) {
  if (missing_) return PauseFor(options_.missing_pause, stop);
  PauseFor(pause_, stop);
  pause_ = std::min(pause_ * 2, options_.longest_pause);
}

void Watch::PauseFor(std::chrono::milliseconds time, std::stop_token stop) {
  const auto jitter = std::chrono::milliseconds(random_() % (static_cast<unsigned>(time.count()) / 2 + 1));
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, time / 2 + jitter, [] { return false; });
}

}  // namespace tulle::kube
