#include "sidecar/admin/grpc_health.h"

#include "lib/http2/client.h"
#include "lib/io/event.h"
#include "sidecar/admin/reply.h"

namespace tulle::sidecar::admin {
namespace {

// A length in protobuf's variable form, the low seven bits first.
std::string Varint(size_t value) {
  std::string text;
  for (; value > 0x7f; value >>= 7) text += static_cast<char>((value & 0x7f) | 0x80);
  return text + static_cast<char>(value);
}

// HealthCheckRequest{service: 1} behind gRPC's prefix: not compressed, four bytes of length.
std::string Message(const std::string& service) {
  const std::string message = service.empty() ? "" : "\x0a" + Varint(service.size()) + service;
  std::string text(1, '\0');
  for (const int shift : {24, 16, 8, 0}) text += static_cast<char>(message.size() >> shift & 0xff);
  return text + message;
}

std::string Request(const std::string& authority, const std::string& service) {
  const std::string message = Message(service);
  return "POST /grpc.health.v1.Health/Check HTTP/1.1\r\nHost: " + authority +
         "\r\ncontent-type: application/grpc\r\nte: trailers\r\nuser-agent: kube-probe/tulle\r\n"
         "content-length: " +
         std::to_string(message.size()) + "\r\n\r\n" + message;
}

std::string Judge(const Reply& reply) {
  if (reply.grpc_status.empty()) return "status of HTTP " + std::to_string(reply.status);
  if (reply.grpc_status != "0") return "status " + reply.grpc_status;
  // HealthCheckResponse{status: 1} behind the prefix: SERVING is 1.
  constexpr std::string_view kServing = "\x08\x01";
  return std::string_view(reply.content).substr(0, 7).ends_with(kServing) ? "" : "not serving";
}

}  // namespace

io::Task<std::string> AskHealth(std::unique_ptr<io::Stream> stream, std::string authority,
                                std::string service, io::TimePoint deadline) {
  io::Event changed(stream->readiness().loop());
  const http2::Limits limits;
  http2::ClientSession session(std::move(stream), limits, [&changed](auto...) { changed.Notify(); });
  io::Task<void> running = session.Run();
  running.Start();
  while (session.opening()) {
    if (!co_await changed.Wait(deadline)) co_return Words(io::Error::kTimedOut);
  }
  const std::unique_ptr<io::Stream> call = session.Open();
  if (call == nullptr) co_return "not HTTP/2";
  call->readiness().SetDeadline(deadline);
  const std::string request = Request(authority, service);
  const std::string_view text = request;
  const auto reply = co_await Ask(*call, text);
  co_return reply ? Judge(*reply) : reply.failure().what;
}

}  // namespace tulle::sidecar::admin
