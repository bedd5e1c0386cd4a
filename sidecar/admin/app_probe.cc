#include "sidecar/admin/app_probe.h"

#include <httplib.h>
#include <strings.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "sidecar/admin/dial.h"
#include "sidecar/admin/grpc_health.h"

namespace tulle::sidecar::admin {
namespace {

using nlohmann::json;

AppProbe ParseHttp(const json& http) {
  AppProbe probe;
  probe.kind = AppProbe::Kind::kHttp;
  probe.port = http.value("port", uint16_t{0});
  probe.scheme = http.value("scheme", "HTTP");
  probe.path = http.value("path", "/");
  if (!probe.path.starts_with('/')) probe.path = "/" + probe.path;
  for (const json& header : http.value("httpHeaders", json::array())) {
    const std::string name = header.value("name", "");
    if (strcasecmp(name.c_str(), "host") == 0) {
      probe.host = header.value("value", "");
    } else {
      probe.headers.emplace_back(name, header.value("value", ""));
    }
  }
  return probe;
}

AppProbe ParseOne(const json& entry) {
  AppProbe probe;
  if (entry.contains("httpGet")) {
    probe = ParseHttp(entry["httpGet"]);
  } else if (entry.contains("grpc")) {
    probe.kind = AppProbe::Kind::kGrpc;
    probe.port = entry["grpc"].value("port", uint16_t{0});
    probe.service = entry["grpc"].value("service", "");
  } else if (entry.contains("tcpSocket")) {
    probe.port = entry["tcpSocket"].value("port", uint16_t{0});
  }
  probe.timeout_seconds = std::max(1, entry.value("timeoutSeconds", 1));
  return probe;
}

ProbeResult RunHttp(const AppProbe& probe, const std::string& ip) {
  const bool v6 = ip.find(':') != std::string::npos;
  const std::string host = v6 ? "[" + ip + "]" : ip;
  httplib::Client client((probe.scheme == "HTTPS" ? "https://" : "http://") + host + ":" +
                         std::to_string(probe.port));
  client.enable_server_certificate_verification(false);  // as the kubelet does
  client.set_connection_timeout(probe.timeout_seconds);
  client.set_read_timeout(probe.timeout_seconds);
  client.set_follow_location(false);
  httplib::Headers headers{{"User-Agent", "kube-probe/tulle"}, {"Connection", "close"}};
  if (!probe.host.empty()) headers.emplace("Host", probe.host);
  for (const auto& [name, value] : probe.headers) headers.emplace(name, value);
  const httplib::Result result = client.Get(probe.path.c_str(), headers);
  if (!result) return {false, 503, "HTTP probe: " + httplib::to_string(result.error())};
  const bool healthy = result->status >= 200 && result->status < 400;
  return {healthy, healthy ? 200 : result->status, "HTTP probe: status " + std::to_string(result->status)};
}

ProbeResult RunTcp(const AppProbe& probe, const std::string& ip) {
  const Descriptor connection = DialBlocking(ip, probe.port, probe.timeout_seconds);
  if (!connection.ok()) return {false, 503, std::string("TCP probe: ") + std::strerror(errno)};
  return {true, 200, "TCP probe: connected"};
}

}  // namespace

base::Result<std::map<std::string, AppProbe>> ParseAppProbes(std::string_view text) {
  std::map<std::string, AppProbe> probes;
  if (text.empty()) return probes;
  const json document = json::parse(text, nullptr, false);
  if (!document.is_object()) return base::Failure{"TULLE_PROBES is not a JSON object"};
  try {
    for (const auto& [name, entry] : document.items()) {
      probes[name] = ParseOne(entry);
      if (probes[name].port == 0) return base::Failure{"TULLE_PROBES: " + name + ": no port"};
    }
  } catch (const json::exception& error) {
    return base::Failure{std::string("TULLE_PROBES: ") + error.what()};
  }
  return probes;
}

ProbeResult RunAppProbe(const AppProbe& probe, const std::string& ip) {
  switch (probe.kind) {
    case AppProbe::Kind::kHttp:
      return RunHttp(probe, ip);
    case AppProbe::Kind::kTcp:
      return RunTcp(probe, ip);
    case AppProbe::Kind::kGrpc: {
      const std::string problem = CheckGrpcHealth(ip, probe.port, probe.service, probe.timeout_seconds);
      return {problem.empty(), problem.empty() ? 200 : 503,
              problem.empty() ? "gRPC health: serving" : problem};
    }
  }
  return {};
}

}  // namespace tulle::sidecar::admin
