#include "operator/watch/read.h"

#include <arpa/inet.h>

#include <nlohmann/json.hpp>

#include "operator/watch/field.h"
#include "operator/watch/read_custom.h"
#include "operator/watch/read_gateway.h"

namespace tulle::control::watch {
namespace {

constexpr const char* kInjectedLabel = "tulle.dev/injected";
constexpr const char* kWorkloadAnnotation = "tulle.dev/workload";
constexpr const char* kSidecarContainer = "tulle-sidecar";
constexpr const char* kServiceNameLabel = "kubernetes.io/service-name";

std::string ReadName(const Field& metadata, const char* field) {
  std::string name = metadata[field].Text();
  // Names become parts of resource names, where these would mean something else.
  if (name.empty() || name.size() > 253 || name.find_first_of("/?,= \n") != std::string::npos) {
    metadata[field].Problem("is missing or not a name");
  }
  return name;
}

std::string ReadIp(const Field& field) {
  const std::string text = field.Text();
  const std::optional<std::string> ip = NormalIp(text);
  if (!ip) field.Problem("\"" + text + "\" is not an IP address");
  return ip.value_or("");
}

int64_t ReadPort(const Field& field) {
  const int64_t port = field.Number();
  if (port < 1 || port > 65535) field.Problem("must be a port number");
  return port;
}

bool IsTcp(const Field& port) { return port["protocol"].Text("TCP") == "TCP"; }

model::Namespace ReadNamespace(const Field& object) {
  return {ReadName(object["metadata"], "name"), object["metadata"]["labels"].Map()};
}

model::Service ReadService(const Field& object) {
  model::Service service{
      ReadName(object["metadata"], "namespace"), ReadName(object["metadata"], "name"), {}, {}};
  const Field spec = object["spec"];
  const auto add_ip = [&](const Field& field) {
    if (field.Text().empty() || field.Text() == "None") return;
    service.cluster_ips.push_back(ReadIp(field));
  };
  if (spec["clusterIPs"].present()) {
    for (const Field& ip : spec["clusterIPs"].Items()) add_ip(ip);
  } else {
    add_ip(spec["clusterIP"]);
  }
  for (const Field& port : spec["ports"].Items()) {
    if (!IsTcp(port)) continue;
    service.ports.push_back({port["name"].Text(), ReadPort(port["port"]), port["appProtocol"].Text()});
  }
  return service;
}

model::EndpointSlice ReadSlice(const Field& object) {
  model::EndpointSlice slice;
  slice.ns = ReadName(object["metadata"], "namespace");
  slice.name = ReadName(object["metadata"], "name");
  const model::Labels labels = object["metadata"]["labels"].Map();
  if (const auto service = labels.find(kServiceNameLabel); service != labels.end())
    slice.service = service->second;
  if (object["addressType"].Text("IPv4") == "FQDN") return slice;
  for (const Field& from : object["endpoints"].Items()) {
    model::SliceEndpoint endpoint;
    for (const Field& address : from["addresses"].Items()) endpoint.addresses.push_back(ReadIp(address));
    const Field conditions = from["conditions"];
    endpoint.ready = conditions["ready"].Bool(true);
    endpoint.serving = conditions["serving"].Bool(endpoint.ready);
    endpoint.terminating = conditions["terminating"].Bool(false);
    const Field target = from["targetRef"];
    if (target["kind"].Text() == "Pod") {
      endpoint.pod = model::Key(target["namespace"].Text(slice.ns), target["name"].Text());
    }
    slice.endpoints.push_back(std::move(endpoint));
  }
  for (const Field& port : object["ports"].Items()) {
    if (IsTcp(port) && port["port"].present())
      slice.ports.push_back({port["name"].Text(), ReadPort(port["port"])});
  }
  return slice;
}

// The sidecar is an init container that goes on running. A pod of a directory of YAML names no init
// containers: there the label alone says it.
bool HasSidecar(const Field& spec) {
  if (!spec["initContainers"].present()) return true;
  for (const Field& container : spec["initContainers"].Items()) {
    if (container["name"].Text() == kSidecarContainer) return true;
  }
  return false;
}

bool SidecarStarted(const Field& status) {
  for (const Field& container : status["initContainerStatuses"].Items()) {
    if (container["name"].Text() == kSidecarContainer) return container["started"].Bool(false);
  }
  return false;
}

model::Pod ReadPod(const Field& object) {
  model::Pod pod;
  const Field metadata = object["metadata"], spec = object["spec"], status = object["status"];
  pod.ns = ReadName(metadata, "namespace");
  pod.name = ReadName(metadata, "name");
  pod.labels = metadata["labels"].Map();
  pod.service_account = spec["serviceAccountName"].Text("default");
  pod.host_network = spec["hostNetwork"].Bool(false);
  const auto injected = pod.labels.find(kInjectedLabel);
  if (injected != pod.labels.end() && injected->second == "true" && HasSidecar(spec)) {
    pod.meshed = true;
    pod.workload = metadata["annotations"].Map()[kWorkloadAnnotation];
    if (pod.workload.find_first_of("/?,= \n") != std::string::npos) pod.workload.clear();
    pod.sidecar_started = SidecarStarted(status);
  }
  if (status["podIPs"].present()) {
    for (const Field& ip : status["podIPs"].Items()) pod.ips.push_back(ReadIp(ip["ip"]));
  } else if (!status["podIP"].Text().empty()) {
    pod.ips.push_back(ReadIp(status["podIP"]));
  }
  for (const Field& container : spec["containers"].Items()) {
    for (const Field& port : container["ports"].Items()) {
      if (IsTcp(port)) pod.ports.push_back({port["name"].Text(), ReadPort(port["containerPort"])});
    }
  }
  const std::string phase = status["phase"].Text();
  pod.finished = phase == "Succeeded" || phase == "Failed";
  pod.terminating = metadata["deletionTimestamp"].present();
  return pod;
}

model::Object Read(model::Kind kind, const Field& object) {
  switch (kind) {
    case model::Kind::kNamespace:
      return ReadNamespace(object);
    case model::Kind::kService:
      return ReadService(object);
    case model::Kind::kEndpointSlice:
      return ReadSlice(object);
    case model::Kind::kPod:
      return ReadPod(object);
    default:
      break;
  }
  ReadName(object["metadata"], "namespace");
  ReadName(object["metadata"], "name");
  switch (kind) {
    case model::Kind::kHttpRoute:
    case model::Kind::kGrpcRoute:
      return ReadGatewayRoute(kind, object);
    case model::Kind::kReferenceGrant:
      return ReadReferenceGrant(object);
    default:
      return ReadCustom(kind, object);
  }
}

}  // namespace

std::optional<std::string> NormalIp(const std::string& text) {
  unsigned char bytes[16];
  char normal[INET6_ADDRSTRLEN];
  for (const int family : {AF_INET, AF_INET6}) {
    if (inet_pton(family, text.c_str(), bytes) == 1 && text.find('\0') == std::string::npos) {
      return inet_ntop(family, bytes, normal, sizeof normal);
    }
  }
  return std::nullopt;
}

std::optional<model::Kind> KindOf(const nlohmann::json& object) {
  static const std::map<std::pair<std::string, std::string>, model::Kind> kKinds = {
      {{"v1", "Namespace"}, model::Kind::kNamespace},
      {{"v1", "Service"}, model::Kind::kService},
      {{"discovery.k8s.io/v1", "EndpointSlice"}, model::Kind::kEndpointSlice},
      {{"v1", "Pod"}, model::Kind::kPod},
      {{kApiGroupVersion, "Route"}, model::Kind::kRoute},
      {{kApiGroupVersion, "Split"}, model::Kind::kSplit},
      {{kApiGroupVersion, "TrafficPolicy"}, model::Kind::kTrafficPolicy},
      {{kApiGroupVersion, "AccessPolicy"}, model::Kind::kAccessPolicy},
      {{kGatewayVersion, "HTTPRoute"}, model::Kind::kHttpRoute},
      {{kGatewayVersion, "GRPCRoute"}, model::Kind::kGrpcRoute},
      {{kGrantVersion, "ReferenceGrant"}, model::Kind::kReferenceGrant},
  };
  json::Problems ignored;
  if (!object.is_object()) return std::nullopt;
  const Field field(object, ignored);
  const auto found = kKinds.find({field["apiVersion"].Text(), field["kind"].Text()});
  return found == kKinds.end() ? std::nullopt : std::optional(found->second);
}

base::Result<model::Object, json::Problems> ReadObject(model::Kind kind, const nlohmann::json& object) {
  json::Problems problems;
  model::Object read = Read(kind, Field(object, problems));
  if (!problems.empty()) return problems;
  return read;
}

}  // namespace tulle::control::watch
