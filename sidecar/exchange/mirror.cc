#include "sidecar/exchange/mirror.h"

#include "lib/http/body.h"
#include "sidecar/exchange/limits.h"

namespace tulle::sidecar::exchange {
namespace {

// Reads the answer to its end, so that the connection can be used again.
io::Task<bool> DropAnswer(upstream::Connection& connection, std::string_view method) {
  for (;;) {
    const http::ParseResult parsed = http::ParseResponseHead(connection.in.view(), method, connection.head);
    if (parsed.status == http::ParseStatus::kBad) co_return false;
    if (parsed.status == http::ParseStatus::kNeedMore) {
      const io::IoResult got = co_await connection.stream->ReadInto(connection.in);
      if (!got.ok()) co_return false;
      continue;
    }
    const bool interim = connection.head.interim();
    const bool reusable = connection.head.keep_alive && connection.head.status != 101;
    http::BodyDecoder body(connection.head);
    connection.in.Consume(parsed.bytes);
    if (interim) continue;
    for (;;) {
      const http::BodyDecoder::Step piece = body.Take(connection.in.view());
      if (piece.bad) co_return false;
      connection.in.Consume(piece.bytes);
      if (body.done()) co_return reusable&& connection.in.empty();
      const io::IoResult got = co_await connection.stream->ReadInto(connection.in, io::Buffer::kBulkBytes);
      if (!got.ok()) co_return false;
    }
  }
}

io::Task<void> SendOne(upstream::Connector& connector, io::Loop& loop, size_t& in_flight,
                       std::shared_ptr<upstream::Host> host, std::string request, mux::Kind kind) {
  ++in_flight;
  const upstream::InFlight busy(host, loop.now());
  std::unique_ptr<upstream::Connection> connection = host->TakeIdle(kind);
  if (connection == nullptr) {
    auto connected = co_await connector.Connect(host, kind, kCopyTime);
    if (connected) connection = std::move(*connected);
  }
  if (connection != nullptr) {
    connection->stream->readiness().SetDeadline(loop.now() + kCopyTime);
    const std::string_view bytes = request;
    const io::IoResult sent = co_await connection->stream->Write(bytes);
    const std::string_view method = bytes.substr(0, bytes.find(' '));
    if (sent.ok() && co_await DropAnswer(*connection, method)) {
      host->PutIdle(std::move(connection), loop.now());
    }
  }
  --in_flight;
}

}  // namespace

void Mirrors::Send(std::string_view request, mux::Kind kind) {
  for (const auto& host : hosts_) {
    if (in_flight_ >= kMaxCopies) return;
    loop_.Spawn(SendOne(connector_, loop_, in_flight_, host, std::string(request), kind));
  }
}

}  // namespace tulle::sidecar::exchange
