#include "operator/distribute/server.h"

#include <netinet/tcp.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <future>
#include <nlohmann/json.hpp>

#include "lib/identity/certificate.h"
#include "lib/meshconfig/stream.h"
#include "operator/distribute/limits.h"

namespace tulle::control::distribute {
namespace {

constexpr auto kCloseTimeout = std::chrono::seconds(2);
constexpr size_t kCloseBytes = 1 << 20;

// A sidecar whose node vanished must not count as connected for long.
void DetectDeadPeer(int fd) {
  const int milliseconds = 20000;
  setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof milliseconds);
  const int on = 1, idle = 10, interval = 5;
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
}

base::Result<identity::SpiffeId> IdentityOf(const tls::TlsStream& stream) {
  const X509* certificate = stream.peer_certificate();
  if (certificate == nullptr) return base::Failure{"a client certificate is needed"};
  return identity::PeerIdentity(certificate);
}

// The CSR in {"csr": "..."}, or nothing.
std::optional<std::string> CsrIn(const std::string& body) {
  const nlohmann::json json = nlohmann::json::parse(body, nullptr, false);
  if (!json.is_object() || !json.contains("csr") || !json["csr"].is_string()) return std::nullopt;
  return json["csr"].get<std::string>();
}

}  // namespace

// One request for a certificate on its way through the pool; shared by the coroutine and the worker.
struct Server::Signing {
  explicit Signing(io::Loop& loop) : done(loop) {}
  io::Event done;
  std::optional<base::Result<ca::Issued, ca::Refusal>> result;
};

Server::Server(Settings settings, ca::Issuer& issuer)
    : settings_(std::move(settings)),
      issuer_(issuer),
      pool_(settings_.signing_threads, settings_.signing_queue) {}

Server::~Server() { Stop(); }

base::Result<io::SocketAddress> Server::Start() {
  base::Result<std::unique_ptr<io::Listener>> listener = io::Listener::Open(loop_, settings_.listen, {});
  if (!listener.ok()) return listener.failure();
  listener_ = std::move(*listener);
  const io::SocketAddress address = listener_->address();
  loop_.Spawn(AcceptAll());
  running_ = true;
  thread_ = std::thread([this] { loop_.Run(); });
  return address;
}

void Server::Stop() {
  if (!running_.exchange(false)) return;
  loop_.Stop();
  thread_.join();
}

void Server::SetContext(std::shared_ptr<const tls::Context> context) {
  loop_.Post([this, context = std::move(context)] { context_ = context; });
}

void Server::Publish(compile::Snapshot snapshot) {
  loop_.Post([this, snapshot = std::move(snapshot)] {
    static const compile::Compiled kNothing;
    const std::vector<std::string> changed = ChangedNames(snapshot_ ? *snapshot_ : kNothing, *snapshot);
    snapshot_ = snapshot;
    for (ConfigStream* stream : streams_) stream->Changed(changed);
  });
}

ReplicaReport Server::Report() {
  if (!running_) return {};
  auto promise = std::make_shared<std::promise<ReplicaReport>>();
  std::future<ReplicaReport> report = promise->get_future();
  loop_.Post([this, promise] { promise->set_value(MakeReport()); });
  while (running_) {
    if (report.wait_for(std::chrono::milliseconds(100)) == std::future_status::ready) return report.get();
  }
  return {};
}

ReplicaReport Server::MakeReport() const {
  ReplicaReport report;
  report.replica = settings_.replica;
  if (snapshot_) {
    for (const compile::Verdict& verdict : snapshot_->verdicts) {
      report.generations[verdict.meta.Text()] = verdict.meta.generation;
    }
  }
  for (const ConfigStream* stream : streams_) report.sidecars.push_back(stream->Report());
  return report;
}

io::Task<void> Server::AcceptAll() {
  while (true) {
    const io::Listener::Accepted accepted = co_await listener_->Accept();
    if (accepted.fd >= 0 && context_ != nullptr && connections_ < kMaxConnections) {
      DetectDeadPeer(accepted.fd);
      loop_.Spawn(Serve(accepted.fd));
      continue;
    }
    ++refused_;
    if (accepted.fd >= 0) {
      close(accepted.fd);
    } else {
      const io::Duration pause = std::chrono::milliseconds(100);
      co_await loop_.Sleep(pause);
    }
  }
}

io::Task<void> Server::Serve(int fd) {
  struct Count {
    explicit Count(size_t& n) : count(n) { ++count; }
    ~Count() { --count; }
    size_t& count;
  } counted(connections_);
  auto stream = std::make_unique<tls::TlsStream>(std::make_unique<io::Socket>(loop_, fd), context_);
  stream->readiness().SetDeadline(loop_.now() + kHandshakeTimeout);
  const io::Error shaken = co_await stream->Handshake();
  if (shaken != io::Error::kNone) {
    ++refused_;
    spdlog::debug("config port: handshake: {} {}", io::Name(shaken), stream->failure());
    co_return;
  }
  io::Buffer buffer;
  stream->readiness().SetDeadline(loop_.now() + kRequestTimeout);
  base::Result<Request, BadRequest> request = co_await ReadRequest(*stream, buffer);
  std::string reply;
  if (!request.ok()) {
    ++refused_;
    if (request.failure().status == 0) co_return;
    reply = FormatError(request.failure().status, request.failure().error);
  } else if (request->method == "POST" && request->path == "/v1/certificate") {
    reply = co_await AnswerCertificate(std::move(*request));
  } else if (request->method == "GET" && request->path == "/v1/peer") {
    reply = AnswerPeer(*stream);
  } else if (request->method == "POST" && request->path == "/v1/config") {
    const base::Result<identity::SpiffeId> peer = IdentityOf(*stream);
    if (request->upgrade != meshconfig::kUpgradeProtocol) {
      reply = FormatError(426, "upgrade to " + std::string(meshconfig::kUpgradeProtocol));
    } else if (!peer.ok()) {
      reply = FormatError(403, peer.failure().what);
    } else if (peer->trust_domain != settings_.self.trust_domain) {
      reply = FormatError(403, identity::Print(*peer) + " is of another trust domain");
    } else if (snapshot_ == nullptr) {
      reply = FormatError(503, "this replica has not read the cluster yet");
    } else {
      identity::SpiffeId id = *peer;
      co_await RunStream(*stream, buffer, std::move(id));
      co_return;
    }
  } else {
    reply = FormatError(404, "there is no " + request->method + " " + request->path);
  }
  stream->readiness().SetDeadline(loop_.now() + kWriteTimeout);
  const std::span<const char> bytes(reply);
  const io::IoResult put = co_await stream->Write(bytes);
  const io::Duration limit = kCloseTimeout;
  if (put.ok()) co_await io::CloseSoftly(std::move(stream), limit, kCloseBytes);
}

io::Task<std::string> Server::AnswerCertificate(Request request) {
  const std::optional<std::string> csr = CsrIn(request.body);
  if (!csr) co_return FormatError(400, "the body must be {\"csr\": \"<PEM>\"}");
  auto signing = std::make_shared<Signing>(loop_);
  const bool queued = pool_.Submit([this, signing, csr, token = request.bearer_token] {
    auto result = issuer_.Issue(token, *csr, std::chrono::system_clock::now());
    loop_.Post([signing, result = std::move(result)] {
      signing->result = result;
      signing->done.Notify();
    });
  });
  if (!queued) co_return FormatError(503, "too many certificate requests are waiting");
  if (!signing->result) co_await signing->done.Wait(io::kNever);
  const base::Result<ca::Issued, ca::Refusal>& result = *signing->result;
  if (!result.ok()) {
    spdlog::warn("certificate refused: {} {}", result.failure().status, result.failure().error);
    co_return FormatError(result.failure().status, result.failure().error);
  }
  const ca::Issued& issued = *result;
  const nlohmann::json body = {{"certificate", issued.certificate}, {"bundle", issued.bundle}};
  co_return FormatReply(200, body.dump());
}

std::string Server::AnswerPeer(const tls::TlsStream& stream) {
  const base::Result<identity::SpiffeId> peer = IdentityOf(stream);
  if (!peer.ok()) return FormatError(403, peer.failure().what);
  if (*peer != settings_.self) return FormatError(403, identity::Print(*peer) + " is not the operator");
  return FormatReply(200, EncodeReport(MakeReport()));
}

io::Task<void> Server::RunStream(tls::TlsStream& stream, io::Buffer& buffer, identity::SpiffeId peer) {
  const std::string switching = FormatSwitching();
  const std::span<const char> bytes(switching);
  const io::IoResult put = co_await stream.Write(bytes);
  if (!put.ok()) co_return;
  ConfigStream config(loop_, stream, buffer, *this, std::move(peer),
                      identity::NotAfter(stream.peer_certificate()));
  struct Leave {
    ~Leave() { server.connected_ -= server.streams_.erase(&stream); }
    Server& server;
    ConfigStream& stream;
  } leave{*this, config};
  const std::string why = co_await config.Run();
  spdlog::info("config stream of {} ends: {}", config.pod().empty() ? "a nameless sidecar" : config.pod(),
               why);
}

// A sidecar that comes back before its old connection was found dead takes its own place, but nobody else's.
void Server::Joined(ConfigStream& stream) {
  for (ConfigStream* other : streams_) {
    if (other->pod() != stream.pod()) continue;
    const bool same = other->peer() == stream.peer();
    (same ? *other : stream)
        .Close(same ? "the sidecar has a newer stream" : "another identity speaks for this pod");
  }
  streams_.insert(&stream);
  ++connected_;
}

}  // namespace tulle::control::distribute
