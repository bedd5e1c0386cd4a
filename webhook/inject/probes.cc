#include "webhook/inject/probes.h"

#include <charconv>
#include <optional>
#include <string>

#include "lib/json/lookup.h"
#include "lib/json/path.h"
#include "webhook/inject/names.h"

namespace tulle::webhook::inject {
namespace {

using Json = nlohmann::json;
using OrderedJson = nlohmann::ordered_json;

struct ProbeKind {
  const char* field;
  const char* name;
};
constexpr ProbeKind kProbeKinds[] = {
    {"livenessProbe", "liveness"}, {"readinessProbe", "readiness"}, {"startupProbe", "startup"}};
constexpr const char* kHandlers[] = {"httpGet", "tcpSocket", "grpc"};

bool IsPort(int64_t number) { return number >= 1 && number <= 65535; }

// A probe's port is a number, the name of a port of its container, or a number written as text.
std::optional<int64_t> ResolvePort(const Json& container, const Json& port) {
  if (port.is_number_integer()) {
    const int64_t number = port.get<int64_t>();
    return IsPort(number) ? std::optional(number) : std::nullopt;
  }
  if (!port.is_string()) return std::nullopt;
  const auto& text = port.get_ref<const std::string&>();
  for (const Json& declared : json::ItemsAt(container, "ports")) {
    const Json& number = json::At(declared, "containerPort");
    if (json::TextAt(declared, "name") == text && number.is_number_integer()) return number.get<int64_t>();
  }
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || !IsPort(number)) return std::nullopt;
  return number;
}

const char* HandlerOf(const Json& probe) {
  for (const char* handler : kHandlers) {
    const Json& action = json::At(probe, handler);
    if (action.is_object()) return json::TextAt(action, "host").empty() ? handler : nullptr;
  }
  return nullptr;
}

class Rewriter {
 public:
  Rewriter(Patch& patch, OrderedJson& probes) : patch_(patch), probes_(probes) {}

  // Returns what is wrong, empty when nothing is.
  std::string RewriteContainer(const Json& container, const std::string& path) {
    for (const ProbeKind& kind : kProbeKinds) {
      const Json& probe = json::At(container, kind.field);
      const char* handler = HandlerOf(probe);
      if (handler == nullptr) continue;
      const Json& action = probe[handler];
      const std::optional<int64_t> port = ResolvePort(container, json::At(action, "port"));
      const std::string name = json::TextAt(container, "name");
      if (!port) {
        return "container " + json::Quote(name) + ": " + kind.field + "." + handler +
               ".port: " + json::At(action, "port").dump() +
               " is neither a port number nor the name of a port of the container";
      }
      Record(name + "/" + kind.name, probe, handler, *port);
      patch_.Replace(path + "/" + kind.field, ThroughSidecar(probe, handler, name + "/" + kind.name));
    }
    return {};
  }

 private:
  void Record(const std::string& key, const Json& probe, const char* handler, int64_t port) {
    OrderedJson action = probe[handler];
    action["port"] = port;
    OrderedJson record = OrderedJson::object();
    record[handler] = std::move(action);
    const Json& timeout = json::At(probe, "timeoutSeconds");
    record["timeoutSeconds"] = timeout.is_number_integer() ? timeout.get<int64_t>() : 1;
    probes_[key] = std::move(record);
  }

  static OrderedJson ThroughSidecar(const Json& probe, const char* handler, const std::string& key) {
    OrderedJson rewritten = probe;
    rewritten.erase(handler);
    OrderedJson action = OrderedJson::object();
    action["path"] = "/probe/" + key;
    action["port"] = kProbePort;
    rewritten["httpGet"] = std::move(action);
    return rewritten;
  }

  Patch& patch_;
  OrderedJson& probes_;
};

}  // namespace

base::Result<OrderedJson> RewriteProbes(const Json& pod, Patch& patch) {
  OrderedJson probes = OrderedJson::object();
  Rewriter rewriter(patch, probes);
  const Json& spec = json::At(pod, "spec");
  for (const char* list : {"containers", "initContainers"}) {
    const Json::array_t& containers = json::ItemsAt(spec, list);
    const bool init = std::string_view(list) == "initContainers";
    for (size_t i = 0; i < containers.size(); ++i) {
      if (init && json::TextAt(containers[i], "restartPolicy") != "Always") continue;
      const std::string path = std::string("/spec/") + list + "/" + std::to_string(i);
      const std::string problem = rewriter.RewriteContainer(containers[i], path);
      if (!problem.empty()) return base::Failure{problem};
    }
  }
  return probes;
}

}  // namespace tulle::webhook::inject
