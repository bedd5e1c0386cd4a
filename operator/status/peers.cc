#include "operator/status/peers.h"

namespace tulle::control::status {
namespace {

constexpr std::chrono::milliseconds kTimeout{2000};
constexpr size_t kMaxReportBytes = 256 << 20;

}  // namespace

void Peers::SetCertificate(std::string certificate, std::string key, std::string roots) {
  const std::lock_guard lock(mutex_);
  certificate_ = std::move(certificate);
  key_ = std::move(key);
  roots_ = std::move(roots);
}

base::Result<distribute::ReplicaReport> Peers::Ask(const Replica& replica, std::stop_token stop) {
  const std::string port = std::to_string(port_);
  const bool v6 = replica.ip.find(':') != std::string::npos;
  kube::TransferRequest request{"GET", "https://tulle-operator." + ns_ + ".svc:" + port + "/v1/peer"};
  request.connect_to = (v6 ? "[" + replica.ip + "]" : replica.ip) + ":" + port;
  request.timeout = kTimeout;
  request.stop = std::move(stop);
  {
    const std::lock_guard lock(mutex_);
    request.client_certificate = certificate_;
    request.client_key = key_;
    request.roots = roots_;
  }
  std::string text;
  const kube::TransferResult result = connections_[replica.ip].Run(request, [&](std::string_view data) {
    text += data;
    return text.size() <= kMaxReportBytes;
  });
  const std::string what = "replica " + replica.name + ": ";
  if (!result.error.empty()) return base::Failure{what + result.error};
  if (result.status != 200)
    return base::Failure{what + std::to_string(result.status) + " " + text.substr(0, 300)};
  base::Result<distribute::ReplicaReport, json::Problems> report = distribute::DecodeReport(text);
  if (!report.ok()) return base::Failure{what + json::JoinProblems(report.failure())};
  return std::move(*report);
}

}  // namespace tulle::control::status
