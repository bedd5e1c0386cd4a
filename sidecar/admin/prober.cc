#include "sidecar/admin/prober.h"

#include "lib/tls/stream.h"
#include "sidecar/admin/grpc_health.h"
#include "sidecar/admin/reply.h"

namespace tulle::sidecar::admin {
namespace {

const char* Kind(const AppProbe& probe) {
  switch (probe.kind) {
    case AppProbe::Kind::kHttp:
      return "HTTP probe: ";
    case AppProbe::Kind::kTcp:
      return "TCP probe: ";
    case AppProbe::Kind::kGrpc:
      return "gRPC health: ";
  }
  return "";
}

ProbeResult Unhealthy(const AppProbe& probe, const std::string& why) {
  return {false, 503, Kind(probe) + why};
}
ProbeResult Healthy(const AppProbe& probe, const std::string& why) { return {true, 200, Kind(probe) + why}; }

std::string HttpRequest(const AppProbe& probe, const io::SocketAddress& app) {
  std::string text = "GET " + probe.path +
                     " HTTP/1.1\r\nHost: " + (probe.host.empty() ? app.Text() : probe.host) +
                     "\r\nUser-Agent: kube-probe/tulle\r\nAccept: */*\r\nConnection: close\r\n";
  for (const auto& [name, value] : probe.headers) text += name + ": " + value + "\r\n";
  return text + "\r\n";
}

}  // namespace

io::Task<ProbeResult> Prober::Run(const AppProbe& probe) {
  const io::TimePoint deadline = io::Clock::now() + std::chrono::seconds(probe.timeout_seconds);
  Dialed dialed = co_await Dial(probe, deadline);
  if (!dialed) co_return Unhealthy(probe, dialed.failure().what);
  std::unique_ptr<io::Stream> stream = std::move(*dialed);
  stream->readiness().SetDeadline(deadline);
  if (probe.kind == AppProbe::Kind::kTcp) co_return Healthy(probe, "connected");
  if (probe.kind == AppProbe::Kind::kHttp) co_return co_await AskHttp(*stream, probe);
  const std::string authority = app_.WithPort(probe.port).Text();
  const std::string problem = co_await AskHealth(std::move(stream), authority, probe.service, deadline);
  co_return problem.empty() ? Healthy(probe, "serving") : Unhealthy(probe, problem);
}

io::Task<Prober::Dialed> Prober::Dial(const AppProbe& probe, io::TimePoint deadline) {
  const io::SocketAddress address = app_.WithPort(probe.port);
  auto connected = co_await io::Connect(loop_, address, deadline);
  if (!connected) co_return base::Failure{"connect: " + std::string(io::Name(connected.failure()))};
  if (probe.kind != AppProbe::Kind::kHttp || probe.scheme != "HTTPS") {
    co_return std::make_unique<io::PlainStream>(std::move(*connected));
  }
  co_return co_await Secure(std::move(*connected), deadline);
}

io::Task<Prober::Dialed> Prober::Secure(std::unique_ptr<io::Socket> socket, io::TimePoint deadline) {
  if (context_ == nullptr) {
    const auto made = tls::Context::MakeCredulous();
    if (!made) co_return made.failure();
    context_ = *made;
  }
  const tls::TlsStream::ClientOptions options;
  auto stream = std::make_unique<tls::TlsStream>(std::move(socket), context_, options);
  stream->readiness().SetDeadline(deadline);
  const io::Error outcome = co_await stream->Handshake();
  if (outcome != io::Error::kNone) {
    co_return base::Failure{"TLS: " + (stream->failure().empty() ? Words(outcome) : stream->failure())};
  }
  co_return std::unique_ptr<io::Stream>(std::move(stream));
}

io::Task<ProbeResult> Prober::AskHttp(io::Stream& stream, const AppProbe& probe) {
  const std::string request = HttpRequest(probe, app_.WithPort(probe.port));
  const std::string_view text = request;
  const auto reply = co_await Ask(stream, text);
  if (!reply) co_return Unhealthy(probe, reply.failure().what);
  const bool healthy = reply->status >= 200 && reply->status < 400;
  const std::string detail = "status " + std::to_string(reply->status);
  if (healthy) co_return Healthy(probe, detail);
  co_return ProbeResult{false, reply->status, Kind(probe) + detail};
}

}  // namespace tulle::sidecar::admin
