#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "fuzz/http2_wire.h"
#include "lib/http/body.h"
#include "lib/http/text.h"
#include "lib/http2/client.h"
#include "lib/http2/server.h"

namespace {

using namespace tulle;
using fuzz::Require;
using Headers = std::map<std::string, std::vector<std::string>>;

// What must not change on the way, whatever the notation.
struct Meaning {
  std::string line;  // method, path and host; or the status
  Headers headers, trailers;
  std::string content;
  bool operator==(const Meaning&) const = default;
};

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return lower;
}

void Read(const http::Head& head, Headers& headers) {
  std::string cookie;
  const bool announced = head.Value(http::Known::kTrailer).data() != nullptr;
  for (const http::Header& header : head.headers) {
    const std::string name = Lower(header.name);
    switch (header.known) {
      case http::Known::kOther:
      case http::Known::kTrailer:
      case http::Known::kExpect:
      case http::Known::kMesh:
        break;
      case http::Known::kContentLength:
        if (!announced && head.framing == http::Framing::kLength) break;
        continue;
      default:
        continue;
    }
    if (name == "cookie") {
      if (!header.value.empty()) cookie += (cookie.empty() ? "" : "; ") + std::string(header.value);
    } else {
      headers[name].emplace_back(header.value);
    }
  }
  if (!cookie.empty()) headers["cookie"] = {cookie};
}

// The rest of a message behind its head. False where it is not all of a good one.
bool ReadBody(const http::Head& head, std::string_view& text, Meaning& meaning) {
  http::BodyDecoder body(head);
  std::string lines;
  while (!body.done() && !text.empty()) {
    const bool in_trailers = body.in_trailers();
    const http::BodyDecoder::Step step = body.Next(text);
    if (step.bad) return false;
    if (in_trailers) {
      lines += text.substr(0, step.bytes);
    } else {
      meaning.content += step.payload;
    }
    text.remove_prefix(step.bytes);
  }
  if (!body.done()) return body.until_close();
  for (std::string_view rest = lines; rest.size() > 2;) {
    const std::string_view line = rest.substr(0, rest.find("\r\n"));
    const size_t colon = line.find(':');
    const std::string name = Lower(line.substr(0, colon));
    const bool of_one_hop = name == "keep-alive" || name == "proxy-connection";
    if (!of_one_hop) meaning.trailers[name].emplace_back(http::Trim(line.substr(colon + 1)));
    rest.remove_prefix(line.size() + 2);
  }
  return true;
}

bool ReadRequest(std::string_view& text, Meaning& meaning, http::RequestHead& head) {
  const http::ParseResult parsed = http::ParseRequestHead(text, head);
  if (parsed.status != http::ParseStatus::kDone) return false;
  std::string path(head.path());
  const size_t query = head.target.find('?');
  if (query != std::string_view::npos) path += head.target.substr(query);
  const bool absolute = !head.authority().empty();
  const size_t authority_at = head.target.find("://") + 3;
  if (absolute && head.method == "OPTIONS" &&
      head.target.find_first_of("/?", authority_at) == std::string_view::npos)
    path = "*";
  const std::string_view host = head.host().empty() ? head.authority() : head.host();
  meaning.line = std::string(head.method) + " " + path + " " + std::string(host);
  Read(head, meaning.headers);
  if (head.te_trailers) meaning.headers["te"] = {"trailers"};
  text.remove_prefix(parsed.bytes);
  return ReadBody(head, text, meaning);
}

bool ReadResponse(std::string_view& text, std::string_view method, Meaning& meaning) {
  http::ResponseHead head;
  for (int interims = 0; interims <= http2::kMaxInterims; ++interims) {
    const http::ParseResult parsed = http::ParseResponseHead(text, method, head);
    if (parsed.status != http::ParseStatus::kDone || head.status == 101) return false;
    meaning.line += std::to_string(head.status) + " ";
    Read(head, meaning.headers);
    text.remove_prefix(parsed.bytes);
    if (!head.interim()) return ReadBody(head, text, meaning);
  }
  return false;
}

struct Trip {
  std::string request, response;          // as written
  std::string got_request, got_response;  // as read on the other side
  std::string method;
  io::Error request_error = io::Error::kNone, response_error = io::Error::kNone;
};

io::Task<io::Error> ReadOn(io::Stream& stream, std::string& into_text) {
  std::string space(1 + into_text.size() % 3 + 700, '\0');
  const std::span<char> into(space);
  const io::IoResult got = co_await stream.Read(into);
  into_text.append(space, 0, got.bytes);
  co_return got.error;
}

io::Task<void> Serve(http2::ServerSession& server, Trip& trip) {
  std::unique_ptr<io::Stream> stream = co_await server.Next();
  if (stream == nullptr) co_return;
  for (;;) {
    std::string_view text = trip.got_request;
    Meaning meaning;
    http::RequestHead head;
    if (ReadRequest(text, meaning, head)) break;
    trip.request_error = co_await ReadOn(*stream, trip.got_request);
    if (trip.request_error != io::Error::kNone) co_return;
  }
  co_await stream->Write(trip.response);
  stream->ShutdownWrite();
}

io::Task<void> Ask(http2::ClientSession& client, Trip& trip) {
  co_await fuzz::Greeting(client);
  {
    std::unique_ptr<io::Stream> stream = client.Open();
    co_await stream->Write(trip.request);
    while (trip.response_error == io::Error::kNone) {
      trip.response_error = co_await ReadOn(*stream, trip.got_response);
    }
  }
  client.Close();
}

io::Task<void> Run(Trip& trip) {
  auto there = std::make_shared<fuzz::Pipe>(), back = std::make_shared<fuzz::Pipe>();
  http2::ClientSession client(std::make_unique<fuzz::MemoryStream>(back, there));
  http2::ServerSession server(std::make_unique<fuzz::MemoryStream>(there, back), io::Buffer());
  io::Task<void> client_runs = client.Run(), server_runs = server.Run();
  io::Task<void> serving = Serve(server, trip), asking = Ask(client, trip);
  for (io::Task<void>* task : {&client_runs, &server_runs, &serving, &asking}) task->Start();
  co_await std::move(asking);
  co_await std::move(client_runs);
  co_await std::move(server_runs);
  co_await std::move(serving);
}

}  // namespace

// A request that HTTP/1.1 accepts, and what stands behind it as its response: both mean the same after their
// way through a pair of HTTP/2 sessions.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 15000) return 0;
  const std::string text(reinterpret_cast<const char*>(data), size);
  std::string_view rest = text;
  Trip trip;
  Meaning request, response;
  http::RequestHead head;
  if (!ReadRequest(rest, request, head) || head.headers.size() > 90) return 0;
  trip.method = head.method;
  trip.request = text.substr(0, text.size() - rest.size());
  trip.response = rest;
  const bool answered = ReadResponse(rest, trip.method, response);
  if (!answered) {
    trip.response = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
  } else {
    trip.response.resize(trip.response.size() - rest.size());
  }

  fuzz::Do(Run(trip));

  // HTTP/2 has no name for a request to nobody, nor one for "*" but with OPTIONS.
  const bool nameless = request.line.back() == ' ';
  const bool star = request.line.find(" * ") != std::string::npos && !trip.method.starts_with("OPTIONS");
  if (nameless || star) {
    Require(trip.got_request.empty() && trip.response_error != io::Error::kEof);
    return 0;
  }
  std::string_view got = trip.got_request;
  Meaning got_request, got_response;
  http::RequestHead got_head;
  Require(ReadRequest(got, got_request, got_head) && got.empty());
  Require(got_request == request);
  if (!answered) return 0;
  Require(trip.response_error == io::Error::kEof);
  got = trip.got_response;
  Require(ReadResponse(got, trip.method, got_response) && got.empty());
  Require(got_response == response);
  return 0;
}
