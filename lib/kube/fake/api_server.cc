#include "lib/kube/fake/api_server.h"

#include <httplib.h>

namespace tulle::kube::fake {
namespace {

using nlohmann::json;

std::string Status(int code, const std::string& message) {
  return json{{"kind", "Status"}, {"status", "Failure"}, {"code", code}, {"message", message}}.dump();
}

// "/api/v1/namespaces/shop/pods/web-1" -> "/api/v1/namespaces/shop/pods"
std::string Parent(const std::string& path) { return path.substr(0, path.rfind('/')); }

// The list of all namespaces in which an object of this collection shows, too.
std::string Everywhere(const std::string& collection) {
  const std::string part = "/namespaces/";
  const size_t at = collection.find(part);
  if (at == std::string::npos) return collection;
  const size_t plural = collection.find('/', at + part.size());
  return plural == std::string::npos ? collection : collection.substr(0, at) + collection.substr(plural);
}

}  // namespace

struct ApiServer::Http {
  httplib::Server server;
};

ApiServer::ApiServer() : http_(std::make_unique<Http>()) {
  http_->server.new_task_queue = [] { return new httplib::ThreadPool(24); };
  http_->server.set_keep_alive_timeout(1);
  Route();
  port_ = http_->server.bind_to_any_port("127.0.0.1");
  thread_ = std::thread([this] { http_->server.listen_after_bind(); });
}

ApiServer::~ApiServer() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  http_->server.stop();
  thread_.join();
}

bool ApiServer::Holds(const std::string& collection, const std::string& path) const {
  return Parent(path) == collection || Everywhere(Parent(path)) == collection;
}

void ApiServer::Record(const char* type, const std::string& path, const Json& object) {
  events_.push_back({version_, path, json{{"type", type}, {"object", object}}.dump()});
  changed_.notify_all();
}

void ApiServer::Put(const std::string& path, Json object) {
  const std::lock_guard lock(mutex_);
  const bool is_new = !objects_.contains(path);
  object["metadata"]["resourceVersion"] = std::to_string(++version_);
  objects_[path] = object;
  Record(is_new ? "ADDED" : "MODIFIED", path, object);
}

void ApiServer::Remove(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find(path);
  if (found == objects_.end()) return;
  Json object = found->second;
  object["metadata"]["resourceVersion"] = std::to_string(++version_);
  objects_.erase(found);
  Record("DELETED", path, object);
}

ApiServer::Json ApiServer::Get(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find(path);
  return found == objects_.end() ? Json() : found->second;
}

void ApiServer::DropWatches() {
  const std::lock_guard lock(mutex_);
  ++drops_;
  changed_.notify_all();
}

void ApiServer::Forget() {
  const std::lock_guard lock(mutex_);
  oldest_ = ++version_;
  events_.clear();
}

void ApiServer::FailNext(int count, int status) {
  const std::lock_guard lock(mutex_);
  fail_count_ = count;
  fail_status_ = status;
}

void ApiServer::Say(const std::string& line) {
  const std::lock_guard lock(mutex_);
  said_.push_back(line);
  changed_.notify_all();
}

void ApiServer::Bookmark() {
  std::string line;
  {
    const std::lock_guard lock(mutex_);
    line = json{{"type", "BOOKMARK"},
                {"object", {{"metadata", {{"resourceVersion", std::to_string(++version_)}}}}}}
               .dump();
  }
  Say(line);
}

void ApiServer::OnPost(const std::string& path, std::function<Json(const Json&)> answer) {
  const std::lock_guard lock(mutex_);
  posts_[path] = std::move(answer);
}

std::vector<std::string> ApiServer::requests() {
  const std::lock_guard lock(mutex_);
  return requests_;
}

ApiServer::Json ApiServer::ListOf(const std::string& collection, size_t limit, const std::string& token) {
  json items = json::array();
  std::string next;
  for (const auto& [path, object] : objects_) {
    if (!Holds(collection, path) || path <= token) continue;
    if (limit > 0 && items.size() == limit) {
      next = Parent(path) + "/" + items.back()["metadata"].value("name", "");
      break;
    }
    items.push_back(object);
  }
  return {{"kind", "List"},
          {"metadata", {{"resourceVersion", std::to_string(version_)}, {"continue", next}}},
          {"items", items}};
}

bool ApiServer::Refuse(void* response, const std::string& request) {
  const std::lock_guard lock(mutex_);
  requests_.push_back(request);
  if (fail_count_ == 0) return false;
  --fail_count_;
  auto& res = *static_cast<httplib::Response*>(response);
  res.status = fail_status_;
  res.set_content(Status(fail_status_, "told to fail"), "application/json");
  return true;
}

void ApiServer::ServeWatch(void* response, const std::string& collection, int64_t since) {
  auto& res = *static_cast<httplib::Response*>(response);
  auto sent = std::make_shared<int64_t>(since);
  int64_t drops;
  size_t said;
  {
    const std::lock_guard lock(mutex_);
    if (since < oldest_) {
      res.status = 410;
      res.set_content(Status(410, "too old resource version"), "application/json");
      return;
    }
    drops = drops_;
    said = said_.size();
  }
  auto heard = std::make_shared<size_t>(said);
  res.set_chunked_content_provider("application/json", [=, this](size_t, httplib::DataSink& sink) {
    std::string lines;
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, std::chrono::milliseconds(200), [&] {
        return stop_ || drops_ != drops || said_.size() > *heard ||
               (!events_.empty() && events_.back().version > *sent);
      });
      if (stop_ || drops_ != drops) return false;
      for (const Event& event : events_) {
        if (event.version > *sent && Holds(collection, event.path)) lines += event.line + "\n";
      }
      if (!events_.empty()) *sent = std::max(*sent, events_.back().version);
      for (; *heard < said_.size(); ++*heard) lines += said_[*heard] + "\n";
    }
    return lines.empty() || sink.write(lines.data(), lines.size());
  });
}

void ApiServer::Route() {
  httplib::Server& server = http_->server;
  const auto answer = [](httplib::Response& res, int status, const std::string& body) {
    res.status = status;
    res.set_content(body, "application/json");
  };
  server.Get(R"(/.*)", [this, answer](const httplib::Request& req, httplib::Response& res) {
    const bool watch = req.has_param("watch");
    if (Refuse(&res, (watch ? "WATCH " : "GET ") + req.path)) return;
    if (watch) return ServeWatch(&res, req.path, std::stoll(req.get_param_value("resourceVersion")));
    const std::lock_guard lock(mutex_);
    const auto found = objects_.find(req.path);
    if (found != objects_.end()) return answer(res, 200, found->second.dump());
    // Names of collections are plural words; names of objects in tests are not.
    const std::string last = req.path.substr(req.path.rfind('/') + 1);
    if (!last.ends_with("s")) return answer(res, 404, Status(404, last + " not found"));
    const size_t limit = req.has_param("limit") ? std::stoul(req.get_param_value("limit")) : 0;
    answer(res, 200, ListOf(req.path, limit, req.get_param_value("continue")).dump());
  });
  server.Post(R"(/.*)", [this, answer](const httplib::Request& req, httplib::Response& res) {
    if (Refuse(&res, "POST " + req.path)) return;
    json object = json::parse(req.body);
    {
      const std::lock_guard lock(mutex_);
      const auto special = posts_.find(req.path);
      if (special != posts_.end()) return answer(res, 201, special->second(object).dump());
    }
    const std::string path = req.path + "/" + object["metadata"].value("name", "");
    if (!Get(path).is_null()) return answer(res, 409, Status(409, path + " already exists"));
    Put(path, object);
    answer(res, 201, Get(path).dump());
  });
  server.Put(R"(/.*)", [this, answer](const httplib::Request& req, httplib::Response& res) {
    if (Refuse(&res, "PUT " + req.path)) return;
    const json object = json::parse(req.body), old = Get(req.path);
    if (old.is_null()) return answer(res, 404, Status(404, "not found"));
    const std::string version = object["metadata"].value("resourceVersion", "");
    if (!version.empty() && version != old["metadata"]["resourceVersion"]) {
      return answer(res, 409, Status(409, "the object has been modified"));
    }
    Put(req.path, object);
    answer(res, 200, Get(req.path).dump());
  });
  server.Patch(R"(/.*)", [this, answer](const httplib::Request& req, httplib::Response& res) {
    if (Refuse(&res, "PATCH " + req.path)) return;
    const std::string path = req.path.ends_with("/status") ? Parent(req.path) : req.path;
    json object = Get(path);
    if (object.is_null()) return answer(res, 404, Status(404, "not found"));
    object.merge_patch(json::parse(req.body));
    Put(path, object);
    answer(res, 200, Get(path).dump());
  });
  server.Delete(R"(/.*)", [this, answer](const httplib::Request& req, httplib::Response& res) {
    if (Refuse(&res, "DELETE " + req.path)) return;
    if (Get(req.path).is_null()) return answer(res, 404, Status(404, "not found"));
    Remove(req.path);
    answer(res, 200, Status(200, "deleted"));
  });
}

}  // namespace tulle::kube::fake
