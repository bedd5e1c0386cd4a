#include "sidecar/admin/reply.h"

#include "lib/http/body.h"
#include "lib/http/head.h"
#include "lib/http2/convert.h"
#include "sidecar/admin/limits.h"

namespace tulle::sidecar::admin {
namespace {

constexpr std::string_view kGrpcStatus = "grpc-status";

// Reads on until `in` begins with what follows the head.
io::Task<base::Result<Reply>> ReadHead(io::Stream& stream, io::Buffer& in, http::BodyDecoder& body) {
  http::ResponseHead head;
  for (int interims = 0; interims <= kMaxInterims;) {
    const http::ParseResult parsed = http::ParseResponseHead(in.view(), "GET", head);
    if (parsed.status == http::ParseStatus::kBad) co_return base::Failure{parsed.why};
    if (parsed.status == http::ParseStatus::kNeedMore) {
      const io::IoResult got = co_await stream.ReadInto(in, http::kMaxHeadBytes);
      if (!got.ok()) co_return base::Failure{Words(got.error)};
      continue;
    }
    Reply reply;
    reply.status = head.status;
    if (const http::Header* status = head.Find(kGrpcStatus)) reply.grpc_status = status->value;
    const bool interim = head.interim();
    body = http::BodyDecoder(head);
    in.Consume(parsed.bytes);
    if (!interim) co_return std::move(reply);
    ++interims;
  }
  co_return base::Failure{"too many interim responses"};
}

void TakeTrailers(std::string_view lines, Reply& reply) {
  http2::FieldList trailers;
  http2::MakeTrailerFields(lines, trailers);
  for (const nghttp2_nv& field : trailers.list) {
    if (std::string_view(reinterpret_cast<const char*>(field.name), field.namelen) != kGrpcStatus) continue;
    reply.grpc_status.assign(reinterpret_cast<const char*>(field.value), field.valuelen);
  }
}

}  // namespace

std::string Words(io::Error error) {
  if (error == io::Error::kTimedOut) return "no answer in time";
  return "connection " + std::string(io::Name(error));
}

io::Task<base::Result<Reply>> Ask(io::Stream& stream, std::string_view request) {
  const std::span<const char> bytes(request);
  const io::IoResult written = co_await stream.Write(bytes);
  if (!written.ok()) co_return base::Failure{Words(written.error)};
  io::Buffer in;
  http::BodyDecoder body;
  auto reply = co_await ReadHead(stream, in, body);
  if (!reply) co_return reply.failure();
  std::string trailers;
  while (!body.done() && reply->content.size() < kMaxContentBytes) {
    const bool in_trailers = body.in_trailers();
    const http::BodyDecoder::Step piece = body.Next(in.view());
    if (piece.bad) co_return base::Failure{"broken body"};
    (in_trailers ? trailers : reply->content) +=
        in_trailers ? in.view().substr(0, piece.bytes) : piece.payload;
    in.Consume(piece.bytes);
    if (piece.bytes > 0) continue;
    const io::IoResult got = co_await stream.ReadInto(in);
    if (got.error == io::Error::kEof && body.until_close()) break;
    if (!got.ok()) co_return base::Failure{Words(got.error)};
  }
  TakeTrailers(trailers, *reply);
  co_return std::move(*reply);
}

}  // namespace tulle::sidecar::admin
