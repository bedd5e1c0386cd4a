#include "sidecar/identity/operator_link.h"

#include <netdb.h>

#include <cstring>

#include "lib/http/body.h"
#include "lib/tls/stream.h"

namespace tulle::sidecar::identity {
namespace {

constexpr auto kDialTime = std::chrono::seconds(5);
constexpr auto kCallTime = std::chrono::seconds(10);
constexpr const char* kUsualName = "tulle-operator.tulle-system.svc";

base::Result<io::SocketAddress> ResolveName(const OperatorAddress& address) {
  if (const auto literal = io::SocketAddress::Parse(address.host, address.port)) return *literal;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(address.host.c_str(), nullptr, &hints, &found);
  if (error != 0) return base::Failure{"operator " + address.host + ": " + gai_strerror(error)};
  sockaddr_storage storage{};
  std::memcpy(&storage, found->ai_addr, found->ai_addrlen);
  freeaddrinfo(found);
  return io::SocketAddress::From(storage).WithPort(address.port);
}

}  // namespace

base::Result<OperatorAddress> ParseOperatorAddress(const std::string& text) {
  const size_t colon = text.rfind(':');
  OperatorAddress address;
  int port = 0;
  if (colon != std::string::npos) port = std::atoi(text.c_str() + colon + 1);
  if (colon == std::string::npos || colon == 0 || port <= 0 || port > 65535) {
    return base::Failure{"operator address \"" + text + "\" is not host:port"};
  }
  address.host = text.substr(0, colon);
  address.port = static_cast<uint16_t>(port);
  const bool literal = io::SocketAddress::Parse(address.host, 0).has_value();
  address.server_name = literal ? kUsualName : address.host;
  return address;
}

io::Task<base::Result<std::unique_ptr<io::Stream>>> DialOperator(
    io::Loop& loop, OperatorAddress address, std::shared_ptr<const tls::Context> context) {
  const auto resolved = ResolveName(address);
  if (!resolved) co_return resolved.failure();
  const io::TimePoint deadline = io::Clock::now() + kDialTime;
  auto connected = co_await io::Connect(loop, *resolved, deadline);
  if (!connected) {
    co_return base::Failure{"operator " + resolved->Text() +
                            ": connect: " + std::string(io::Name(connected.failure()))};
  }
  tls::TlsStream::ClientOptions options;
  options.server_name = address.server_name;
  auto stream = std::make_unique<tls::TlsStream>(std::move(*connected), std::move(context), options);
  stream->readiness().SetDeadline(deadline);
  const io::Error outcome = co_await stream->Handshake();
  if (outcome != io::Error::kNone) {
    co_return base::Failure{"operator " + resolved->Text() + ": TLS: " + std::string(io::Name(outcome)) +
                            " " + stream->failure()};
  }
  stream->readiness().SetDeadline(io::kNever);
  co_return std::unique_ptr<io::Stream>(std::move(stream));
}

io::Task<base::Result<Reply>> Call(io::Stream& stream, io::Buffer& in, std::string request) {
  stream.readiness().SetDeadline(io::Clock::now() + kCallTime);
  const std::span<const char> bytes(request);
  const io::IoResult written = co_await stream.Write(bytes);
  if (!written.ok()) co_return base::Failure{"operator: write: " + std::string(io::Name(written.error))};
  http::ResponseHead head;
  http::ParseResult parsed;
  Reply reply;
  http::BodyDecoder body;
  for (;;) {
    if (parsed.status == http::ParseStatus::kNeedMore && !in.empty()) {
      parsed = http::ParseResponseHead(in.view(), "POST", head);
      if (parsed.status == http::ParseStatus::kBad)
        co_return base::Failure{std::string("operator: reply: ") + parsed.why};
      if (parsed.status == http::ParseStatus::kDone) {
        reply.status = head.status;
        body = http::BodyDecoder(head);
        in.Consume(parsed.bytes);
      }
    }
    if (parsed.status == http::ParseStatus::kDone) {
      while (!body.done() && !in.empty()) {
        const http::BodyDecoder::Step piece = body.Next(in.view());
        if (piece.bad) co_return base::Failure{"operator: reply: broken body"};
        reply.body += piece.payload;
        in.Consume(piece.bytes);
      }
      if (body.done()) break;
      if (reply.body.size() > kMaxReplyBytes) co_return base::Failure{"operator: reply is too large"};
    }
    const std::span<char> space = in.Space(http::kMaxHeadBytes);
    const io::IoResult got = co_await stream.Read(space);
    if (got.error == io::Error::kEof && body.until_close()) break;
    if (!got.ok()) co_return base::Failure{"operator: read: " + std::string(io::Name(got.error))};
    in.Commit(got.bytes);
  }
  stream.readiness().SetDeadline(io::kNever);
  co_return std::move(reply);
}

}  // namespace tulle::sidecar::identity
