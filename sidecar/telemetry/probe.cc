#include "sidecar/telemetry/probe.h"

#include <ctime>

namespace tulle::sidecar::telemetry {
namespace {

using ::tulle::telemetry::Labels;

void AppendTimestamp(std::string& line) {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  tm parts;
  gmtime_r(&now.tv_sec, &parts);
  char text[40];
  const size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text + length, sizeof text - length, ".%03ldZ", now.tv_nsec / 1000000);
  line += text;
}

void AppendMember(std::string& line, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  line += ",\"";
  line += name;
  line += "\":\"";
  AppendJsonEscaped(line, value);
  line += '"';
}

void AppendMember(std::string& line, std::string_view name, uint64_t value) {
  line += ",\"";
  line += name;
  line += "\":";
  line += std::to_string(value);
}

}  // namespace

Probe::Probe(::tulle::telemetry::Registry& registry, AccessLog& log, AccessLogMode mode, std::string worker)
    : registry_(registry), log_(log), mode_(mode), worker_(std::move(worker)) {
  for (const bool inbound : {false, true}) {
    open_[inbound] =
        &registry_.GetGauge("tulle_downstream_connections", "Open connections that came in.",
                            {{"direction", inbound ? "inbound" : "outbound"}, {"worker", worker_}});
  }
}

Probe::Series& Probe::SeriesFor(const Record& record) {
  key_.clear();
  for (const std::string_view part :
       {record.protocol, record.source, record.destination, record.backend, record.reason}) {
    key_ += part;
    key_ += '\n';
  }
  key_ += static_cast<char>('0' + record.inbound * 2 + record.mtls);
  key_ += std::to_string(record.status);
  if (const auto found = series_.find(key_); found != series_.end()) return found->second;

  const Labels who = {{"direction", record.inbound ? "inbound" : "outbound"},
                      {"protocol", std::string(record.protocol)},
                      {"source", std::string(record.source)},
                      {"destination", std::string(record.destination)},
                      {"backend", std::string(record.backend)},
                      {"worker", worker_}};
  Labels what = who;
  what.insert(what.end(), {{"code", std::to_string(record.status)},
                           {"reason", std::string(record.reason)},
                           {"mtls", record.mtls ? "true" : "false"}});
  const Series made{
      &registry_.GetCounter("tulle_requests_total", "Requests and opaque connections that are over.", what),
      &registry_.GetCounter("tulle_retries_total", "Attempts after the first.", who),
      &registry_.GetCounter("tulle_request_bytes_total",
                            "Bytes of request bodies and of opaque traffic upwards.", who),
      &registry_.GetCounter("tulle_response_bytes_total",
                            "Bytes of response bodies and of opaque traffic downwards.", who),
      &registry_.GetHistogram("tulle_request_duration_seconds",
                              "From the head of the request to the end of the response, attempts and all.",
                              who)};
  return series_.emplace(key_, made).first->second;
}

void Probe::Done(const Record& record) {
  Series& series = SeriesFor(record);
  series.total->Add();
  if (record.attempts > 1) series.retries->Add(static_cast<uint64_t>(record.attempts - 1));
  series.request_bytes->Add(record.request_bytes);
  series.response_bytes->Add(record.response_bytes);
  series.duration->Observe(record.duration);
  const bool failed = record.status >= 400 || !record.reason.empty();
  if (mode_ == AccessLogMode::kAll || (mode_ == AccessLogMode::kErrors && failed)) Log(record);
}

void Probe::Log(const Record& record) {
  line_ = "{\"time\":\"";
  AppendTimestamp(line_);
  line_ += '"';
  AppendMember(line_, "direction", record.inbound ? "inbound" : "outbound");
  AppendMember(line_, "protocol", record.protocol);
  AppendMember(line_, "source", record.source);
  AppendMember(line_, "destination", record.destination);
  AppendMember(line_, "method", record.method);
  AppendMember(line_, "host", record.host);
  AppendMember(line_, "path", record.path);
  AppendMember(line_, "sni", record.sni);
  if (record.status != 0) AppendMember(line_, "code", static_cast<uint64_t>(record.status));
  AppendMember(line_, "reason", record.reason);
  AppendMember(line_, "rule", record.rule);
  AppendMember(line_, "backend", record.backend);
  AppendMember(line_, "endpoint", record.endpoint);
  AppendMember(line_, "attempts", static_cast<uint64_t>(record.attempts));
  line_ += record.mtls ? ",\"mtls\":true" : ",\"mtls\":false";
  AppendMember(line_, "request_bytes", record.request_bytes);
  AppendMember(line_, "response_bytes", record.response_bytes);
  AppendMember(line_, "duration_us", static_cast<uint64_t>(record.duration / std::chrono::microseconds(1)));
  line_ += '}';
  log_.Write(line_);
}

void Probe::ConnectionOpened(bool inbound) { open_[inbound]->Add(1); }
void Probe::ConnectionClosed(bool inbound) { open_[inbound]->Add(-1); }

void Probe::HandshakeFailed(std::string_view reason) {
  registry_
      .GetCounter("tulle_handshake_failures_total", "TLS handshakes that failed on the inbound side.",
                  {{"reason", std::string(reason)}, {"worker", worker_}})
      .Add();
}

void Probe::Detected(std::string_view protocol) {
  registry_
      .GetCounter("tulle_detections_total", "Connections by what detection found.",
                  {{"protocol", std::string(protocol)}, {"worker", worker_}})
      .Add();
}

void Probe::PeerThrownOut(std::string_view reason) {
  registry_
      .GetCounter("tulle_peers_thrown_out_total",
                  "Shared connections to a peer or an app that were ended because it broke their rules.",
                  {{"reason", std::string(reason)}, {"worker", worker_}})
      .Add();
}

void Probe::Limited(std::string_view limit, std::string_view policy, bool shadow) {
  key_.assign(limit);
  key_ += shadow ? '?' : '!';
  key_ += policy;
  auto& counter = limited_[key_];
  if (counter == nullptr) {
    counter = &registry_.GetCounter("tulle_limited_total",
                                    "Requests beyond a limit of a policy; in shadow mode they went on.",
                                    {{"limit", std::string(limit)},
                                     {"policy", std::string(policy)},
                                     {"mode", shadow ? "shadow" : "enforce"},
                                     {"worker", worker_}});
  }
  counter->Add();
}

void Probe::Outlier(std::string_view service, std::string_view endpoint, std::string_view cause,
                    bool ejected) {
  registry_
      .GetCounter("tulle_outliers_total",
                  "Endpoints that a detector found to fail, whether they were ejected or spared.",
                  {{"service", std::string(service)},
                   {"endpoint", std::string(endpoint)},
                   {"cause", std::string(cause)},
                   {"outcome", ejected ? "ejected" : "spared"},
                   {"worker", worker_}})
      .Add();
}

}  // namespace tulle::sidecar::telemetry
