#pragma once

#include <httplib.h>

#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <utility>

// For tests: an API server that keeps objects by path and knows GET, POST, PUT and JSON Patch, with resource
// versions.
namespace tulle::webhook::serving {

class FakeApi {
 public:
  FakeApi() {
    server_.set_keep_alive_max_count(1000);
    server_.Get(".*", [this](const auto& request, auto& response) { Get(request, response); });
    server_.Post(".*", [this](const auto& request, auto& response) { Create(request, response); });
    server_.Put(".*", [this](const auto& request, auto& response) { Update(request, response); });
    server_.Patch(".*", [this](const auto& request, auto& response) { Patch(request, response); });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~FakeApi() {
    server_.stop();
    thread_.join();
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

  void Set(const std::string& path, nlohmann::json object) {
    const std::lock_guard lock(mutex_);
    Store(path, std::move(object));
  }
  void Remove(const std::string& path) {
    const std::lock_guard lock(mutex_);
    objects_.erase(path);
  }
  nlohmann::json At(const std::string& path) {
    const std::lock_guard lock(mutex_);
    return objects_.contains(path) ? objects_[path] : nlohmann::json();
  }
  // The next creation is answered 409, after `winner` was stored: another replica was faster.
  void LoseNextCreationTo(nlohmann::json winner) {
    const std::lock_guard lock(mutex_);
    winner_ = std::move(winner);
  }
  void set_down(bool down) {
    const std::lock_guard lock(mutex_);
    down_ = down;
  }
  int writes() {
    const std::lock_guard lock(mutex_);
    return writes_;
  }

 private:
  using Request = httplib::Request;
  using Response = httplib::Response;

  nlohmann::json Store(const std::string& path, nlohmann::json object) {
    object["metadata"]["resourceVersion"] = std::to_string(++version_);
    return objects_[path] = std::move(object);
  }
  static void Reply(Response& response, int status, const nlohmann::json& body) {
    response.status = status;
    response.set_content(body.dump(), "application/json");
  }
  static void Fail(Response& response, int status) {
    Reply(response, status, {{"kind", "Status"}, {"code", status}, {"message", "fake"}});
  }

  void Get(const Request& request, Response& response) {
    const std::lock_guard lock(mutex_);
    if (down_) return Fail(response, 500);
    if (!objects_.contains(request.path)) return Fail(response, 404);
    Reply(response, 200, objects_[request.path]);
  }
  void Create(const Request& request, Response& response) {
    const std::lock_guard lock(mutex_);
    nlohmann::json object = nlohmann::json::parse(request.body);
    const std::string path = request.path + "/" + object["metadata"]["name"].get<std::string>();
    if (!winner_.is_null()) Store(path, std::exchange(winner_, nullptr));
    if (objects_.contains(path)) return Fail(response, 409);
    ++writes_;
    Reply(response, 201, Store(path, std::move(object)));
  }
  void Update(const Request& request, Response& response) {
    const std::lock_guard lock(mutex_);
    nlohmann::json object = nlohmann::json::parse(request.body);
    if (!objects_.contains(request.path)) return Fail(response, 404);
    if (object["metadata"]["resourceVersion"] != objects_[request.path]["metadata"]["resourceVersion"]) {
      return Fail(response, 409);
    }
    ++writes_;
    Reply(response, 200, Store(request.path, std::move(object)));
  }
  void Patch(const Request& request, Response& response) {
    const std::lock_guard lock(mutex_);
    if (!objects_.contains(request.path)) return Fail(response, 404);
    if (request.get_header_value("Content-Type") != "application/json-patch+json") return Fail(response, 415);
    ++writes_;
    Reply(response, 200,
          Store(request.path, objects_[request.path].patch(nlohmann::json::parse(request.body))));
  }

  httplib::Server server_;
  std::thread thread_;
  int port_ = 0;
  std::mutex mutex_;
  std::map<std::string, nlohmann::json> objects_;
  nlohmann::json winner_;
  bool down_ = false;
  int version_ = 0;
  int writes_ = 0;
};

}  // namespace tulle::webhook::serving
