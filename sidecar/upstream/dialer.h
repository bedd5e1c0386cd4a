#pragma once

#include <functional>
#include <memory>
#include <string>

#include "lib/base/result.h"
#include "lib/io/gate.h"
#include "lib/io/stream.h"
#include "lib/tls/context.h"
#include "sidecar/overload/counts.h"
#include "sidecar/upstream/limits.h"

namespace tulle::sidecar::upstream {

// Why there is no connection. The request provably did not reach anybody.
struct DialFailure {
  io::Error error = io::Error::kOther;
  std::string reason;  // "upstream/connect-refused", "mtls/identity": the words of x-tulle-reason
  std::string detail;  // for a log
  bool ours = false;   // this sidecar is short of something; the endpoint is as good as before
};

// What separate kinds of traffic say in the ALPN of a connection between sidecars.
inline constexpr std::string_view kHttp1Alpn = "tulle/http1";
inline constexpr std::string_view kTcpAlpn = "tulle/tcp";
inline constexpr std::string_view kHttp2Alpn = "tulle/http2";
inline constexpr std::string_view kMuxAlpn = "tulle/mux";

// Whom to call and as whom it must prove itself.
struct Target {
  io::SocketAddress address;
  std::string identity;  // SPIFFE id; empty = plaintext
};

// Makes connections: TCP, then mutual TLS where the target has an identity, which its certificate must carry.
// One per worker; the context changes when our certificate does.
class Dialer {
 public:
  Dialer(io::Loop& loop, overload::LimitCounts& limits,
         const io::Gate::Options& most = {kMaxDials, kMaxWaitingDials, kDialsPerTurn})
      : loop_(loop), limits_(limits), gate_(loop, most) {}

  void SetContext(std::shared_ptr<const tls::Context> context) { context_ = std::move(context); }

  // `target` and `alpn` must stay until the end; `timeout` is for TCP and TLS together.
  io::Task<base::Result<std::unique_ptr<io::Stream>, DialFailure>> Dial(const Target& target,
                                                                        std::string_view alpn,
                                                                        io::Duration timeout);

 private:
  DialFailure Short(overload::Limit limit);

  io::Loop& loop_;
  overload::LimitCounts& limits_;
  io::Gate gate_;
  std::shared_ptr<const tls::Context> context_;
};

}  // namespace tulle::sidecar::upstream
