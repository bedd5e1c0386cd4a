#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"

namespace tulle::kube {

// Why a call to the API server failed. `status` is its HTTP code, 0 where there was no answer.
struct ApiError {
  int status = 0;
  std::string what;  // "PATCH splits/shop/web: 409 Conflict: the object has been modified"

  bool conflict() const { return status == 409; }
  bool not_found() const { return status == 404; }
  bool gone() const { return status == 410; }
};

// Where objects of one kind live. An empty namespace is all of them, or a cluster-scoped kind.
struct Collection {
  std::string api_version;  // "v1", "tulle.dev/v1alpha1"
  std::string plural;       // "pods"
  std::string ns = {};
  std::string label_selector = {};  // lists only these

  // "/api/v1/namespaces/shop/pods", "/apis/tulle.dev/v1alpha1/splits"
  std::string Path() const;
};

enum class Patch { kMerge, kJson };

struct ClientOptions {
  std::string server;           // "https://10.96.0.1:443"
  std::string token_file = {};  // read for every call: the kubelet renews it
  std::string ca_file = {};
  std::chrono::milliseconds timeout{15000};
};

// From the environment and the mounted service account of a pod.
base::Result<ClientOptions> InCluster();

// Calls to the Kubernetes API. Thread-safe: each call takes a connection of its own from a few that are kept.
// All calls block until their answer, their timeout, or `stop`.
class Client {
 public:
  explicit Client(ClientOptions options);
  ~Client();

  using Json = nlohmann::json;
  using Answer = base::Result<Json, ApiError>;

  Answer Get(const Collection& collection, const std::string& name);
  // One page; `continue_token` from the page before.
  Answer List(const Collection& collection, size_t limit = 0, const std::string& continue_token = "",
              std::stop_token stop = {});
  Answer Create(const Collection& collection, const Json& object);
  // Replaces; the object's resourceVersion makes it fail with 409 when somebody was faster.
  Answer Update(const Collection& collection, const std::string& name, const Json& object);
  // `subresource` may be empty, or "status".
  Answer PatchObject(const Collection& collection, const std::string& name, Patch kind, const Json& patch,
                     const std::string& subresource = "");
  Answer Delete(const Collection& collection, const std::string& name);

  // Reads a watch line by line until it ends: nothing when the server ended it in good order. The callback
  // returns false to end it.
  base::Result<bool, ApiError> Watch(const Collection& collection, const std::string& resource_version,
                                     std::chrono::seconds longest, std::stop_token stop,
                                     const std::function<bool(std::string_view line)>& on_line);

 private:
  struct Connection;
  struct Call;

  Answer Perform(const Call& call);
  std::unique_ptr<Connection> Take();
  void GiveBack(std::unique_ptr<Connection> connection);

  const ClientOptions options_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Connection>> idle_;
};

}  // namespace tulle::kube
