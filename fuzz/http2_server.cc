#include <cstddef>
#include <cstdint>

#include "fuzz/http2_wire.h"
#include "lib/http/body.h"
#include "lib/http2/server.h"

namespace {

using namespace tulle;
using fuzz::Require;

constexpr const char* kAnswers[] = {
    "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\na: "
    "b\r\n\r\n",
    "HTTP/1.1 204 No Content\r\n\r\n",
    "HTTP/1.1 200 OK\r\ngrpc-status: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\nand then it goes",
    "nonsense\r\n\r\n",
};

// Reads one request, which must be one request and nothing else, and answers in one of several ways.
io::Task<void> ServeOne(std::unique_ptr<io::Stream> stream, size_t number) {
  const std::string_view answer = kAnswers[number % std::size(kAnswers)];
  const bool early = number % 7 == 3;
  if (early) co_await stream->Write(answer);
  std::string text;
  std::string space(1 + number * 37 % 5000, '\0');
  http::RequestHead head;
  for (;;) {
    const http::ParseResult parsed = http::ParseRequestHead(text, head);
    if (parsed.status == http::ParseStatus::kBad) break;
    if (parsed.status == http::ParseStatus::kDone) {
      http::BodyDecoder body(head);
      const http::BodyDecoder::Step step = body.Take(std::string_view(text).substr(parsed.bytes));
      Require(!step.bad);
      if (body.done()) {
        Require(parsed.bytes + step.bytes == text.size());
        break;
      }
    }
    const std::span<char> into(space);
    const io::IoResult got = co_await stream->Read(into);
    if (!got.ok()) co_return;
    text.append(space, 0, got.bytes);
  }
  if (!early && number % 5 != 4) co_await stream->Write(answer);
}

io::Task<void> Serve(http2::ServerSession& session) {
  for (size_t number = 0;; ++number) {
    std::unique_ptr<io::Stream> stream = co_await session.Next();
    if (stream == nullptr) co_return;
    session.readiness();
    fuzz::TheLoop().Spawn(ServeOne(std::move(stream), number));
  }
}

io::Task<void> Run(std::shared_ptr<fuzz::Pipe> in) {
  auto transport = std::make_unique<fuzz::MemoryStream>(in, nullptr);
  http2::ServerSession session(std::move(transport), io::Buffer());
  io::Task<void> serving = Serve(session);
  serving.Start();
  co_await session.Run();
  co_await std::move(serving);
  Require(session.streams() == 0);
}

}  // namespace

// What a client sends after its preface: whatever it is, each request that comes of it is one request.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto in = std::make_shared<fuzz::Pipe>();
  in->bytes = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  in->bytes.append(reinterpret_cast<const char*>(data), size);
  in->piece = size % 3 == 0 ? SIZE_MAX : 1 + size;
  in->ended = true;
  fuzz::Do(Run(in));
  return 0;
}
