#include "sidecar/upstream/connector.h"

#include "sidecar/upstream/limits.h"

namespace tulle::sidecar::upstream {
namespace {

using Connected = base::Result<std::unique_ptr<Connection>, DialFailure>;

std::string_view OwnAlpn(mux::Kind kind) { return kind == mux::Kind::kTcp ? kTcpAlpn : kHttp1Alpn; }

// How many streams at a time an app takes it says itself; with calls that last, a gRPC server has thousands.
// A window of several segments of loopback, or a large answer waits for acknowledgements.
constexpr http2::Limits kAppLimits{.max_streams = 1024, .stream_window = 256 << 10};

}  // namespace

bool Connector::Shares(const Host& host, mux::Kind kind) const {
  const bool peer = !host.target().identity.empty();
  if (!peer) return kind == mux::Kind::kHttp2;
  return framing_ == PeerFraming::kMux || (framing_ == PeerFraming::kHttp2 && kind == mux::Kind::kHttp1);
}

io::Task<Connected> Connector::Connect(const std::shared_ptr<Host>& host, mux::Kind kind,
                                       io::Duration timeout) {
  if (Shares(*host, kind)) co_return co_await OpenStream(host, kind, timeout);
  const std::string_view alpn = OwnAlpn(kind);
  auto dialed = co_await dialer_.Dial(host->target(), alpn, timeout);
  if (!dialed) co_return dialed.failure();
  auto connection = std::make_unique<Connection>();
  connection->stream = std::move(*dialed);
  connection->kind = kind;
  co_return std::move(connection);
}

io::Task<Connected> Connector::OpenStream(const std::shared_ptr<Host>& host, mux::Kind kind,
                                          io::Duration timeout) {
  Sessions& sessions = host->SessionsFor(kind, loop_);
  const io::TimePoint begun = loop_.now();
  const io::TimePoint deadline = begun + timeout;
  for (bool waited = false;; waited = true) {
    Session* session = sessions.Usable();
    bool crowded = session == nullptr ? !sessions.opening() : session->streams() >= kCrowdedSession;
    // Who takes the last place sees to it that the others who wait get theirs.
    crowded |= session != nullptr && session->room() == 1 && sessions.changed.awaited();
    const bool failed = waited && sessions.failure && !sessions.hopeful();
    if (crowded && !failed && !sessions.dialing && sessions.count() < kMaxSessions) {
      sessions.dialing = true;
      loop_.Spawn(DialSession(host, kind));
    }
    if (session != nullptr) {
      auto connection = std::make_unique<Connection>();
      connection->stream = session->Open(kind);
      connection->kind = kind;
      connection->shared = true;
      connection->reused = session->since() < begun;
      co_return std::move(connection);
    }
    if (failed) co_return *sessions.failure;
    if (!sessions.hopeful()) {
      co_return DialFailure{io::Error::kOther, "upstream/too-many-streams", host->text()};
    }
    if (!co_await sessions.changed.Wait(deadline)) {
      const bool full = !sessions.dialing && sessions.count() > 0;
      co_return DialFailure{io::Error::kTimedOut,
                            full ? "upstream/too-many-streams" : "upstream/connect-timeout", host->text()};
    }
  }
}

io::Task<void> Connector::RunSession(std::shared_ptr<Host> host, std::shared_ptr<Session> session,
                                     Sessions& sessions) {
  co_await session->Run();
  if (!session->opened()) {
    sessions.failure = DialFailure{io::Error::kOther, "upstream/not-http2", host->text()};
  }
  if (session->why() != nullptr) broken_(*host, session->why());
  sessions.changed.Notify();
}

io::Task<void> Connector::DialSession(std::shared_ptr<Host> host, mux::Kind kind) {
  Sessions& sessions = host->SessionsFor(kind, loop_);
  const bool peer = !host->target().identity.empty();
  const bool mux = peer && framing_ == PeerFraming::kMux;
  const std::string_view alpn = mux ? kMuxAlpn : kHttp2Alpn;
  auto dialed = co_await dialer_.Dial(host->target(), alpn, kSessionDialTime);
  sessions.dialing = false;
  sessions.failure.reset();
  if (dialed) {
    const io::TimePoint now = loop_.now();
    if (mux) {
      sessions.all.push_back(std::make_shared<MuxSession>(std::move(*dialed), sessions.changed, now));
    } else {
      const http2::Limits& limits = peer ? http2::kPeerLimits : kAppLimits;
      sessions.all.push_back(
          std::make_shared<Http2Session>(std::move(*dialed), limits, sessions.changed, now));
    }
    const std::shared_ptr<Session> session = sessions.all.back();
    loop_.Spawn(RunSession(host, session, sessions));
    sessions.changed.NotifySome(session->room());
  } else {
    sessions.failure = dialed.failure();
    sessions.changed.Notify();
  }
}

}  // namespace tulle::sidecar::upstream
