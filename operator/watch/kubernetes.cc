#include "operator/watch/kubernetes.h"

#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>

#include "operator/watch/read.h"
#include "operator/watch/read_gateway.h"

namespace tulle::control::watch {
namespace {

struct Watched {
  model::Kind kind;
  const char* api_version;
  const char* plural;
  bool optional = false;  // its definition may be missing
};

constexpr Watched kWatched[] = {
    {model::Kind::kNamespace, "v1", "namespaces"},
    {model::Kind::kService, "v1", "services"},
    {model::Kind::kEndpointSlice, "discovery.k8s.io/v1", "endpointslices"},
    {model::Kind::kPod, "v1", "pods"},
    {model::Kind::kRoute, kApiGroupVersion, "routes"},
    {model::Kind::kSplit, kApiGroupVersion, "splits"},
    {model::Kind::kTrafficPolicy, kApiGroupVersion, "trafficpolicies"},
    {model::Kind::kAccessPolicy, kApiGroupVersion, "accesspolicies"},
    {model::Kind::kHttpRoute, kGatewayVersion, "httproutes", true},
    {model::Kind::kGrpcRoute, kGatewayVersion, "grpcroutes", true},
    {model::Kind::kReferenceGrant, kGrantVersion, "referencegrants", true},
};

}  // namespace

class Kubernetes::Handler : public kube::WatchHandler {
 public:
  Handler(Kubernetes& owner, const Watched& watched) : owner_(owner), watched_(watched) {}

  void OnPut(const std::string& key, const nlohmann::json& object) override {
    ++owner_.events_;
    base::Result<model::Object, json::Problems> read = Read(object);
    if (read.ok()) {
      owner_.inbox_.Put(std::move(*read));
    } else {
      spdlog::error("{} {}: {}", watched_.plural, key, json::JoinProblems(read.failure()));
    }
  }

  void OnDelete(const std::string& key) override {
    ++owner_.events_;
    owner_.inbox_.Remove(watched_.kind, key);
  }

  void OnSynced() override { owner_.inbox_.Synced(watched_.kind); }

  void OnTrouble(const std::string& what) override {
    ++owner_.troubles_;
    spdlog::warn("registry: {}", what);
  }

 private:
  base::Result<model::Object, json::Problems> Read(const nlohmann::json& object) const {
    if (*KindText() == '\0') return ReadObject(watched_.kind, object);
    // Objects inside a list carry no kind of their own, but the reader of ours wants one.
    nlohmann::json named = object;
    named["apiVersion"] = watched_.api_version;
    named["kind"] = KindText();
    return ReadObject(watched_.kind, named);
  }

  const char* KindText() const {
    switch (watched_.kind) {
      case model::Kind::kRoute:
        return "Route";
      case model::Kind::kSplit:
        return "Split";
      case model::Kind::kTrafficPolicy:
        return "TrafficPolicy";
      case model::Kind::kAccessPolicy:
        return "AccessPolicy";
      default:
        return "";  // not looked at
    }
  }

  Kubernetes& owner_;
  const Watched& watched_;
};

Kubernetes::Kubernetes(kube::Client& client, Inbox& inbox) : client_(client), inbox_(inbox) {}

Kubernetes::~Kubernetes() {
  for (std::jthread& thread : threads_) thread.request_stop();
}

void Kubernetes::Start() {
  for (const Watched& watched : kWatched) {
    handlers_.push_back(std::make_unique<Handler>(*this, watched));
    kube::Watch::Options options;
    options.may_be_missing = watched.optional;
    watches_.push_back(std::make_unique<kube::Watch>(
        client_, kube::Collection{watched.api_version, watched.plural}, *handlers_.back(), options));
    threads_.emplace_back([watch = watches_.back().get()](std::stop_token stop) { watch->Run(stop); });
  }
}

}  // namespace tulle::control::watch
