#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

namespace tulle::kube::fake {

// As much of a Kubernetes API server as our client speaks with, on loopback and in memory, for tests: objects
// by path, lists in pages, watches, resource versions, conflicts, and the ways in which a real one fails.
// Paths are those of one object ("/api/v1/namespaces/shop/pods/web-1"); a namespaced object also shows in the
// list of all namespaces.
class ApiServer {
 public:
  using Json = nlohmann::json;
  ApiServer();
  ~ApiServer();

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

  // What others do to the cluster.
  void Put(const std::string& path, Json object);
  void Remove(const std::string& path);
  Json Get(const std::string& path);  // null where there is none

  // What goes wrong.
  void DropWatches();                    // every watch connection breaks now
  void Forget();                         // resource versions from before are too old: 410
  void FailNext(int count, int status);  // these many requests are answered with this status
  void Say(const std::string& line);     // every watch gets this line
  void Bookmark();                       // every watch gets a bookmark of the newest version

  // Answers POST to this path instead of storing what is posted.
  void OnPost(const std::string& path, std::function<Json(const Json&)> answer);

  // "GET /api/v1/pods", in order.
  std::vector<std::string> requests();

 private:
  struct Http;
  struct Event {
    int64_t version;
    std::string path;
    std::string line;
  };

  void Route();
  Json ListOf(const std::string& collection, size_t limit, const std::string& token);
  void Record(const char* type, const std::string& path, const Json& object);
  bool Holds(const std::string& collection, const std::string& path) const;
  bool Refuse(void* response, const std::string& request);
  void ServeWatch(void* response, const std::string& collection, int64_t since);

  std::unique_ptr<Http> http_;
  int port_ = 0;
  std::thread thread_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Json> objects_;
  std::vector<Event> events_;
  std::map<std::string, std::function<Json(const Json&)>> posts_;
  std::vector<std::string> requests_;
  int64_t version_ = 100;
  int64_t oldest_ = 0;
  int64_t drops_ = 0;
  std::vector<std::string> said_;
  int fail_count_ = 0;
  int fail_status_ = 500;
  bool stop_ = false;
};

}  // namespace tulle::kube::fake
