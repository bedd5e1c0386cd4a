#include "sidecar/upstream/dialer.h"

#include "lib/identity/certificate.h"
#include "lib/tls/stream.h"

namespace tulle::sidecar::upstream {
namespace {

DialFailure Failed(io::Error error, const Target& target, std::string_view stage,
                   const std::string& detail = {}) {
  std::string reason = "upstream/" + std::string(stage) + "-" + std::string(io::Name(error));
  if (error == io::Error::kTls) reason = "mtls/handshake";
  return {error, std::move(reason), target.address.Text() + (detail.empty() ? "" : ": " + detail)};
}

}  // namespace

DialFailure Dialer::Short(overload::Limit limit) {
  limits_.Hit(limit);
  return {io::Error::kNoDescriptors, overload::Reason(limit), {}, true};
}

io::Task<base::Result<std::unique_ptr<io::Stream>, DialFailure>> Dialer::Dial(const Target& target,
                                                                              std::string_view alpn,
                                                                              io::Duration timeout) {
  const io::TimePoint deadline = loop_.now() + timeout;
  io::Gate::Visit visit(gate_, deadline);
  const io::Gate::Answer answer = co_await visit;
  if (answer != io::Gate::Answer::kIn) co_return Short(overload::Limit::kDials);
  auto connected = co_await io::Connect(loop_, target.address, deadline);
  if (!connected && connected.failure() == io::Error::kNoDescriptors) {
    co_return Short(overload::Limit::kDescriptors);
  }
  if (!connected) co_return Failed(connected.failure(), target, "connect");
  (*connected)->NoticeLoss(alpn == kMuxAlpn);
  if (target.identity.empty()) co_return std::make_unique<io::PlainStream>(std::move(*connected));

  if (context_ == nullptr) {
    co_return DialFailure{io::Error::kTls, "mtls/no-certificate", "this sidecar has no certificate yet"};
  }
  tls::TlsStream::ClientOptions options;
  options.alpn = alpn;
  auto stream = std::make_unique<tls::TlsStream>(std::move(*connected), context_, options);
  stream->readiness().SetDeadline(deadline);
  const io::Error outcome = co_await stream->Handshake();
  if (outcome != io::Error::kNone) co_return Failed(outcome, target, "handshake", stream->failure());

  const auto peer = identity::PeerIdentity(stream->peer_certificate());
  if (!peer) co_return DialFailure{io::Error::kIdentity, "mtls/identity", peer.failure().what};
  if (identity::Print(*peer) != target.identity) {
    co_return DialFailure{io::Error::kIdentity, "mtls/identity",
                          "expected " + target.identity + ", the peer is " + identity::Print(*peer)};
  }
  stream->readiness().SetDeadline(io::kNever);
  co_return std::unique_ptr<io::Stream>(std::move(stream));
}

}  // namespace tulle::sidecar::upstream
