#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <variant>
#include <vector>

// What becomes of a pod that is about to be created. Pure: a pod in, a decision out.
namespace tulle::webhook::inject {

struct Settings {
  std::string sidecar_image;
  std::string init_image;
  std::string trust_domain;
  std::string operator_address;  // host:port
  std::string trust_bundle;      // PEM
};

struct Injected {
  std::string patch;  // text of a JSON Patch (RFC 6902)
  std::vector<std::string> warnings;
};
struct LeftAlone {
  std::string reason;
};
struct Denied {
  std::string reason;
};
using Outcome = std::variant<Injected, LeftAlone, Denied>;

// `pod` is the object of the admission request and of any shape; `namespace_name` that of the request,
// because the pod itself may not name it yet. Whether the namespace opted in was decided by the selectors of
// the webhook configuration.
Outcome Inject(const nlohmann::json& pod, const std::string& namespace_name, const Settings& settings);

}  // namespace tulle::webhook::inject
