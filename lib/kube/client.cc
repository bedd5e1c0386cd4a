#include "lib/kube/client.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "lib/kube/transfer.h"

namespace tulle::kube {
namespace {

constexpr size_t kMaxIdleConnections = 8;
constexpr size_t kMaxErrorText = 500;

std::string Escape(const std::string& text) {
  std::string out;
  for (const unsigned char c : text) {
    if (isalnum(c) || c == '-' || c == '.' || c == '_' || c == '~') {
      out += static_cast<char>(c);
    } else {
      static const char kHex[] = "0123456789ABCDEF";
      out += {'%', kHex[c >> 4], kHex[c & 15]};
    }
  }
  return out;
}

// The API server answers errors with a Status object; what stands before it may answer with anything.
std::string MessageOf(const std::string& body) {
  const nlohmann::json status = nlohmann::json::parse(body, nullptr, false);
  if (status.is_object() && status.contains("message") && status["message"].is_string()) {
    return status["message"].get<std::string>().substr(0, kMaxErrorText);
  }
  return body.substr(0, kMaxErrorText);
}

}  // namespace
std::string Collection::Path() const {
  std::string path = api_version.find('/') == std::string::npos ? "/api/" : "/apis/";
  path += api_version;
  if (!ns.empty()) path += "/namespaces/" + Escape(ns);
  return path + "/" + plural;
}

base::Result<ClientOptions> InCluster() {
  const char* host = std::getenv("KUBERNETES_SERVICE_HOST");
  const char* port = std::getenv("KUBERNETES_SERVICE_PORT");
  if (host == nullptr || port == nullptr) {
    return base::Failure{"KUBERNETES_SERVICE_HOST and _PORT are not set: not in a pod of a cluster"};
  }
  const std::string name = host;
  const std::string bracketed = name.find(':') == std::string::npos ? name : "[" + name + "]";
  const std::string folder = "/var/run/secrets/kubernetes.io/serviceaccount/";
  return ClientOptions{"https://" + bracketed + ":" + port, folder + "token", folder + "ca.crt"};
}

struct Client::Connection : Transfer {};

struct Client::Call {
  const char* verb;
  const Collection& collection;
  std::string name = {};
  std::string query = {};
  std::optional<std::string> body = std::nullopt;
  const char* content_type = "application/json";
  std::stop_token stop = {};

  std::string Path() const { return collection.Path() + (name.empty() ? "" : "/" + name) + query; }
  std::string Text() const {
    return std::string(verb) + " " + collection.plural + (collection.ns.empty() ? "" : "/" + collection.ns) +
           (name.empty() ? "" : "/" + name);
  }
};

Client::Client(ClientOptions options) : options_(std::move(options)) {}
Client::~Client() = default;

std::unique_ptr<Client::Connection> Client::Take() {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) return std::make_unique<Connection>();
  auto connection = std::move(idle_.back());
  idle_.pop_back();
  return connection;
}

void Client::GiveBack(std::unique_ptr<Connection> connection) {
  const std::lock_guard lock(mutex_);
  if (idle_.size() < kMaxIdleConnections) idle_.push_back(std::move(connection));
}

Client::Answer Client::Perform(const Call& call) {
  auto connection = Take();
  TransferRequest request{call.verb, options_.server + call.Path(), options_.token_file, options_.ca_file};
  request.body = call.body;
  request.content_type = call.content_type;
  request.timeout = options_.timeout;
  request.stop = call.stop;
  std::string text;
  const TransferResult result = connection->Run(request, [&](std::string_view data) {
    text += data;
    return text.size() <= kMaxAnswerBytes;
  });
  if (!result.error.empty()) return ApiError{0, call.Text() + ": " + result.error};
  GiveBack(std::move(connection));
  if (result.status < 200 || result.status > 299) {
    return ApiError{result.status,
                    call.Text() + ": " + std::to_string(result.status) + " " + MessageOf(text)};
  }
  Json answer = Json::parse(text, nullptr, false);
  if (!answer.is_object()) return ApiError{0, call.Text() + ": the answer is not a JSON object"};
  return answer;
}

Client::Answer Client::Get(const Collection& collection, const std::string& name) {
  return Perform({.verb = "GET", .collection = collection, .name = Escape(name)});
}

Client::Answer Client::List(const Collection& collection, size_t limit, const std::string& continue_token,
                            std::stop_token stop) {
  std::string query;
  if (limit > 0) query = "?limit=" + std::to_string(limit);
  const auto add = [&](const std::string& parameter) { query += (query.empty() ? "?" : "&") + parameter; };
  if (!collection.label_selector.empty()) add("labelSelector=" + Escape(collection.label_selector));
  if (!continue_token.empty()) add("continue=" + Escape(continue_token));
  return Perform({.verb = "GET", .collection = collection, .query = query, .stop = std::move(stop)});
}

Client::Answer Client::Create(const Collection& collection, const Json& object) {
  return Perform({.verb = "POST", .collection = collection, .body = object.dump()});
}

Client::Answer Client::Update(const Collection& collection, const std::string& name, const Json& object) {
  return Perform({.verb = "PUT", .collection = collection, .name = Escape(name), .body = object.dump()});
}

Client::Answer Client::PatchObject(const Collection& collection, const std::string& name, Patch kind,
                                   const Json& patch, const std::string& subresource) {
  return Perform({.verb = "PATCH",
                  .collection = collection,
                  .name = Escape(name) + (subresource.empty() ? "" : "/" + subresource),
                  .body = patch.dump(),
                  .content_type = kind == Patch::kMerge ? "application/merge-patch+json"
                                                        : "application/json-patch+json"});
}

Client::Answer Client::Delete(const Collection& collection, const std::string& name) {
  return Perform({.verb = "DELETE", .collection = collection, .name = Escape(name)});
}

base::Result<bool, ApiError> Client::Watch(const Collection& collection, const std::string& resource_version,
                                           std::chrono::seconds longest, std::stop_token stop,
                                           const std::function<bool(std::string_view line)>& on_line) {
  const std::string text = "WATCH " + collection.plural;
  TransferRequest request{"GET",
                          options_.server + collection.Path() +
                              "?watch=1&allowWatchBookmarks=true&resourceVersion=" +
                              Escape(resource_version) + "&timeoutSeconds=" + std::to_string(longest.count()),
                          options_.token_file, options_.ca_file};
  // The server ends the watch; a little later we no longer believe that it will.
  request.timeout = longest + std::chrono::seconds(30);
  request.stop = std::move(stop);
  Transfer transfer;  // of its own: a watch that is broken off leaves its connection unusable
  LineSplitter lines(on_line);
  std::string error_body;
  const TransferResult result = transfer.Run(request, [&](std::string_view data) {
    if (transfer.status() != 200) {
      error_body += data.substr(0, kMaxErrorText * 4);
      return error_body.size() < kMaxErrorText * 8;
    }
    return lines.Push(data);
  });
  if (result.status != 200 && result.status != 0) {
    return ApiError{result.status, text + ": " + std::to_string(result.status) + " " + MessageOf(error_body)};
  }
  if (lines.ended()) return true;
  if (!result.error.empty()) return ApiError{0, text + ": " + result.error};
  return true;
}

}  // namespace tulle::kube
