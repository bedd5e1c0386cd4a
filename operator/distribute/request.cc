#include "operator/distribute/request.h"

#include <nlohmann/json.hpp>

#include "lib/http/text.h"
#include "lib/http/write.h"
#include "lib/meshconfig/stream.h"
#include "operator/distribute/limits.h"

namespace tulle::control::distribute {
namespace {

constexpr std::string_view kBearer = "Bearer ";

// Statuses that a sidecar never gives in its own name.
std::string_view Phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 401:
      return "Unauthorized";
    case 411:
      return "Length Required";
    case 426:
      return "Upgrade Required";
    default:
      return http::ReasonPhrase(status);
  }
}

Request Take(const http::RequestHead& head) {
  Request request;
  request.method = head.method;
  request.path = head.path();
  if (head.upgrade) request.upgrade = head.Value(http::Known::kUpgrade);
  const http::Header* authorization = head.Find("authorization");
  if (authorization != nullptr && http::StartsWithIgnoreCase(authorization->value, kBearer)) {
    request.bearer_token = http::Trim(authorization->value.substr(kBearer.size()));
  }
  return request;
}

}  // namespace

io::Task<base::Result<Request, BadRequest>> ReadRequest(io::Stream& stream, io::Buffer& buffer) {
  http::RequestHead head;
  http::ParseResult parsed;
  while (true) {
    parsed = http::ParseRequestHead(buffer.view(), head);
    if (parsed.status != http::ParseStatus::kNeedMore) break;
    const io::IoResult got = co_await stream.ReadInto(buffer, http::kMaxHeadBytes + 1);
    if (!got.ok()) co_return BadRequest{0, std::string(io::Name(got.error))};
  }
  if (parsed.status == http::ParseStatus::kBad) co_return BadRequest{parsed.reply, parsed.why};
  Request request = Take(head);
  const bool has_body = head.framing == http::Framing::kLength;
  const uint64_t length = has_body ? head.content_length : 0;
  if (head.framing == http::Framing::kChunked) co_return BadRequest{411, "a body needs a content-length"};
  if (length > kMaxRequestBodyBytes) co_return BadRequest{413, "the body is too large"};
  buffer.Consume(parsed.bytes);
  while (buffer.size() < length) {
    const io::IoResult got = co_await stream.ReadInto(buffer, kMaxRequestBodyBytes + 1);
    if (!got.ok()) co_return BadRequest{0, std::string(io::Name(got.error))};
  }
  request.body = buffer.view().substr(0, length);
  buffer.Consume(length);
  co_return request;
}

std::string FormatReply(int status, std::string_view json_body) {
  return "HTTP/1.1 " + std::to_string(status) + " " + std::string(Phrase(status)) +
         "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(json_body.size()) +
         "\r\nConnection: close\r\n\r\n" + std::string(json_body);
}

std::string FormatError(int status, const std::string& error) {
  const nlohmann::json body = {{"error", error}};
  return FormatReply(status, body.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace));
}

std::string FormatSwitching() {
  return "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " +
         std::string(meshconfig::kUpgradeProtocol) + "\r\n\r\n";
}

}  // namespace tulle::control::distribute
