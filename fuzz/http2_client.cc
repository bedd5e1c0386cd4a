#include <cstddef>
#include <cstdint>

#include "fuzz/http2_wire.h"
#include "lib/http/body.h"
#include "lib/http2/client.h"

namespace {

using namespace tulle;
using fuzz::Require;

struct Request {
  std::string_view method, text;
};
constexpr Request kRequests[] = {
    {"GET", "GET / HTTP/1.1\r\nhost: a\r\n\r\n"},
    {"HEAD", "HEAD / HTTP/1.1\r\nhost: a\r\n\r\n"},
    {"POST", "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx: y\r\n\r\n"},
    {"PUT", "PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc"},
};

// Everything that came is one response, with interim ones before it; it is whole if the stream ended well.
void Check(std::string_view text, std::string_view method, bool whole) {
  http::ResponseHead head;
  for (;;) {
    const http::ParseResult parsed = http::ParseResponseHead(text, method, head);
    if (parsed.status == http::ParseStatus::kBad) return;  // of a status that HTTP/1.1 does not have
    if (parsed.status == http::ParseStatus::kNeedMore) return Require(!whole);
    text.remove_prefix(parsed.bytes);
    if (!head.interim()) break;
  }
  http::BodyDecoder body(head);
  Require(!body.until_close());
  const http::BodyDecoder::Step step = body.Take(text);
  Require(!step.bad && step.bytes == text.size());
  if (whole) Require(body.done());
}

io::Task<void> Ask(http2::ClientSession& session, const Request& request) {
  std::unique_ptr<io::Stream> stream = session.Open();
  if (stream == nullptr) co_return;
  co_await stream->Write(request.text);
  std::string text;
  std::string space(1 + request.text.size() % 40, '\0');
  for (;;) {
    const std::span<char> into(space);
    const io::IoResult got = co_await stream->Read(into);
    if (!got.ok()) co_return Check(text, request.method, got.error == io::Error::kEof);
    text.append(space, 0, got.bytes);
  }
}

io::Task<void> Run(std::shared_ptr<fuzz::Pipe> in, std::string_view input) {
  auto transport = std::make_unique<fuzz::MemoryStream>(in, nullptr);
  http2::ClientSession session(std::move(transport));
  io::Task<void> running = session.Run();
  running.Start();
  co_await fuzz::Greeting(session);
  for (const Request& request : kRequests) fuzz::TheLoop().Spawn(Ask(session, request));
  in->Add(input, true);
  co_await std::move(running);
  Require(session.streams() == 0);
}

}  // namespace

// What a server sends after its settings to a client that has four requests open: whatever it is, readers get
// responses.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto in = std::make_shared<fuzz::Pipe>();
  in->bytes = fuzz::kNoSettings;
  in->piece = size % 3 == 0 ? SIZE_MAX : 1 + size / 2;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  fuzz::Do(Run(in, input));
  return 0;
}
