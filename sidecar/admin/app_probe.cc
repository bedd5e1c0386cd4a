#include "sidecar/admin/app_probe.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "lib/http/text.h"

namespace tulle::sidecar::admin {
namespace {

using nlohmann::json;

// As a kubelet writes it into the request: a path of the pod spec may hold anything.
std::string Escape(const std::string& path) {
  constexpr const char* kDigits = "0123456789ABCDEF";
  std::string text = path.starts_with('/') ? "" : "/";
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > ' ' && byte < 0x7f) {
      text += c;
    } else {
      text += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return text;
}

AppProbe ParseHttp(const json& http) {
  AppProbe probe;
  probe.kind = AppProbe::Kind::kHttp;
  probe.port = http.value("port", uint16_t{0});
  probe.scheme = http.value("scheme", "HTTP");
  probe.path = Escape(http.value("path", "/"));
  for (const json& header : http.value("httpHeaders", json::array())) {
    const std::string name = header.value("name", ""), value = header.value("value", "");
    if (http::EqualsIgnoreCase(name, "host")) {
      probe.host = value;
    } else {
      probe.headers.emplace_back(name, value);
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

bool IsSendable(const std::string& name, const std::string& value) {
  const auto breaks = [](char c) { return (c >= 0 && c < ' ' && c != '\t') || c == 0x7f; };
  return http::IsToken(name) && std::none_of(value.begin(), value.end(), breaks);
}

// Why such a check cannot be made; empty when it can.
std::string Problem(const AppProbe& probe) {
  if (probe.port == 0) return "no port";
  for (const auto& [name, value] : probe.headers) {
    if (!IsSendable(name, value)) return "header \"" + name + "\" cannot be sent";
  }
  return IsSendable("host", probe.host) ? "" : "the host cannot be sent";
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
      const std::string problem = Problem(probes[name]);
      if (!problem.empty()) return base::Failure{"TULLE_PROBES: " + name + ": " + problem};
    }
  } catch (const json::exception& error) {
    return base::Failure{std::string("TULLE_PROBES: ") + error.what()};
  }
  return probes;
}

}  // namespace tulle::sidecar::admin
