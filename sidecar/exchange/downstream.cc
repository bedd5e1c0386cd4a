#include "sidecar/exchange/downstream.h"

#include "lib/http/text.h"
#include "sidecar/exchange/limits.h"

namespace tulle::sidecar::exchange {

namespace {

bool IsGrpc(const http::RequestHead& head) {
  const http::Header* type = head.Find("content-type");
  return type != nullptr && http::StartsWithIgnoreCase(type->value, "application/grpc");
}

}  // namespace

io::Task<Downstream::NextResult> Downstream::ReadHead(io::TimePoint idle_until) {
  io::Readiness& readiness = stream->readiness();
  bool begun = !in.empty();
  readiness.SetDeadline(begun ? readiness.loop().now() + kHeadTime : idle_until);
  // A head that comes in crumbs is parsed once per line, not once per byte.
  bool worth_parsing = begun;
  for (;;) {
    if (worth_parsing) {
      const http::ParseResult parsed = http::ParseRequestHead(in.view(), head);
      if (parsed.status == http::ParseStatus::kBad)
        co_return NextResult{Next::kBad, parsed.reply, parsed.why};
      if (parsed.status == http::ParseStatus::kDone) {
        head_bytes = parsed.bytes;
        grpc = kind == mux::Kind::kHttp2 && !peer && IsGrpc(head);
        readiness.SetDeadline(io::kNever);
        co_return NextResult{Next::kRequest};
      }
    }
    const io::IoResult got = co_await stream->ReadInto(in, http::kMaxHeadBytes + io::Buffer::kBlockBytes);
    if (!got.ok()) {
      if (got.error == io::Error::kTimedOut && begun)
        co_return NextResult{Next::kBad, 408, "timeout/request-head"};
      co_return NextResult{begun ? Next::kBad : Next::kClosed, 400, nullptr};
    }
    worth_parsing = in.size() >= http::kMaxHeadBytes ||
                    in.view().substr(in.size() - got.bytes).find('\n') != std::string_view::npos;
    if (!begun) readiness.SetDeadline(readiness.loop().now() + kHeadTime);
    begun = true;
  }
}

void Downstream::Remember(std::string_view& method, std::string_view& host, std::string_view& path) {
  method = head.method;
  host = head.host();
  path = head.path();
  remembered.clear();
  remembered.reserve(method.size() + host.size() + path.size());  // one allocation, and the views stay
  for (std::string_view* part : {&method, &host, &path}) {
    const size_t at = remembered.size();
    remembered.append(*part);
    *part = std::string_view(remembered).substr(at);
  }
}

io::Task<bool> Downstream::Reply(http::LocalReply reply) {
  reply.grpc = grpc;
  const std::string text = http::FormatLocalReply(reply);
  stream->readiness().SetDeadline(stream->readiness().loop().now() + kBodyIdle);
  const io::IoResult written = co_await stream->Write(text);
  co_return written.ok();
}

}  // namespace tulle::sidecar::exchange
