#include "sidecar/app/first_bytes.h"

#include "lib/io/event.h"
#include "sidecar/app/limits.h"
#include "sidecar/detect/sniff.h"

namespace tulle::sidecar::app {
namespace {

// On a port declared HTTP only what cannot be HTTP to any reader is opaque.
Spoken Judge(Spoken sniffed, std::string_view bytes, meshconfig::Protocol declared) {
  constexpr char kTlsHandshake = 22;
  if (!ClientFirst(declared) || bytes.empty() || sniffed == Spoken::kHttp2) return sniffed;
  return sniffed == Spoken::kOpaque && bytes.starts_with(kTlsHandshake) ? Spoken::kOpaque : Spoken::kHttp;
}

// From the first byte on there is more patience; what could be the start of a request for all of that time is
// taken for one. A mere word that is followed by nothing is what other protocols begin with.
io::Task<Spoken> Sniff(io::Stream& stream, io::Buffer& in) {
  io::Readiness& readiness = stream.readiness();
  detect::Spoken spoken = detect::SniffPlain(in.view());
  bool begun = false;  // one deadline for the whole line, however it comes
  while (spoken == detect::Spoken::kNeedMore || spoken == detect::Spoken::kWord) {
    if (!in.empty() && !begun) {
      begun = true;
      readiness.SetDeadline(readiness.loop().now() + kRequestLineTime);
    }
    const io::IoResult got = co_await stream.ReadInto(in);
    if (!got.ok()) break;
    spoken = detect::SniffPlain(in.view());
  }
  readiness.SetDeadline(io::kNever);
  if (in.empty()) co_return Spoken::kSilent;
  if (spoken == detect::Spoken::kHttp2) co_return Spoken::kHttp2;
  const bool opaque = spoken == detect::Spoken::kOpaque || spoken == detect::Spoken::kWord;
  co_return opaque ? Spoken::kOpaque : Spoken::kHttp;
}

io::Task<void> Hear(exchange::Side side, io::IoResult& heard, io::Event& any) {
  heard = co_await side.stream.ReadInto(side.in);
  any.Notify();
}

bool Broken(const io::IoResult& heard) {
  return heard.error != io::Error::kNone && heard.error != io::Error::kAgain &&
         heard.error != io::Error::kEof;
}

// What the server said before its client decides that these are no requests: not on a port of HTTP, and not
// what a server of HTTP/2 greets with.
bool Settles(const io::IoResult& server, std::string_view said, meshconfig::Protocol declared) {
  return !server.ok() || (!ClientFirst(declared) && !detect::IsHttp2Settings(said));
}

}  // namespace

bool ClientFirst(meshconfig::Protocol declared) {
  return declared == meshconfig::Protocol::kHttp || declared == meshconfig::Protocol::kHttp2;
}

io::Task<Spoken> FirstBytes(io::Stream& stream, io::Buffer& in, meshconfig::Protocol declared) {
  if (declared == meshconfig::Protocol::kTcp) co_return Spoken::kOpaque;
  stream.readiness().SetDeadline(stream.readiness().loop().now() + kDetectTime);
  const Spoken spoken = co_await Sniff(stream, in);
  co_return Judge(spoken, in.view(), declared);
}

io::Task<Spoken> FirstSpeaker(exchange::Side downstream, exchange::Side upstream,
                              meshconfig::Protocol declared, io::TimePoint deadline) {
  io::Event any(downstream.stream.readiness().loop());
  downstream.stream.readiness().SetDeadline(deadline);
  io::IoResult client{0, io::Error::kAgain}, server{0, io::Error::kAgain};
  {
    io::Task<void> hear_client = Hear(downstream, client, any);
    io::Task<void> hear_server = Hear(upstream, server, any);
    hear_client.Start();
    hear_server.Start();
    while (!hear_client.done() && !(hear_server.done() && Settles(server, upstream.in.view(), declared)))
      co_await any.Wait(io::kNever);
  }
  if (Broken(client) || Broken(server)) co_return Spoken::kSilent;
  if (!client.ok()) co_return Spoken::kOpaque;
  const Spoken spoken = co_await Sniff(downstream.stream, downstream.in);
  co_return Judge(spoken, downstream.in.view(), declared);
}

}  // namespace tulle::sidecar::app
