#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lib/http/body.h"
#include "lib/http2/client.h"
#include "lib/http2/server.h"

namespace tulle::http2 {

// Two ends of one connection on one loop, and words for what a test does with them.
class Wire : public ::testing::Test {
 protected:
  Wire() {
    int fds[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    near_ = std::make_unique<io::PlainStream>(std::make_unique<io::Socket>(loop_, fds[0]));
    far_ = std::make_unique<io::PlainStream>(std::make_unique<io::Socket>(loop_, fds[1]));
  }

  // Runs the coroutine to its end, the loop with it.
  void Do(io::Task<void> task) {
    loop_.Spawn(ThenStop(std::move(task)));
    loop_.Run();
  }
  io::Task<void> ThenStop(io::Task<void> task) {
    co_await task;
    loop_.Stop();
  }
  // Lets everything happen that can happen without more from the test.
  void Settle(int milliseconds = 5) { Do(Rest(milliseconds)); }
  io::Task<void> Rest(int milliseconds) { co_await loop_.Sleep(std::chrono::milliseconds(milliseconds)); }

  // Reads until the stream gives an error, whose name is put behind the text in angle brackets.
  static io::Task<std::string> ReadAll(io::Stream& stream, size_t piece = 4096) {
    std::string text;
    std::string space(piece, '\0');
    for (;;) {
      const std::span<char> into(space);
      const io::IoResult got = co_await stream.Read(into);
      if (!got.ok()) {
        if (got.error != io::Error::kEof) text += "<" + std::string(io::Name(got.error)) + ">";
        co_return text;
      }
      text.append(space, 0, got.bytes);
    }
  }

  // Exactly one request, head and body, or what came of it and the name of the error.
  static io::Task<std::string> ReadRequest(io::Stream& stream, size_t piece = 4096) {
    std::string text;
    std::string space(piece, '\0');
    while (!IsWholeRequest(text)) {
      const std::span<char> into(space);
      const io::IoResult got = co_await stream.Read(into);
      if (!got.ok()) co_return text + "<" + std::string(io::Name(got.error)) + ">";
      text.append(space, 0, got.bytes);
    }
    co_return text;
  }
  static bool IsWholeRequest(std::string_view text) {
    http::RequestHead head;
    const http::ParseResult parsed = http::ParseRequestHead(text, head);
    if (parsed.status != http::ParseStatus::kDone) return parsed.status == http::ParseStatus::kBad;
    http::BodyDecoder body(head);
    const bool bad = body.Take(text.substr(parsed.bytes)).bad;
    return body.done() || bad;
  }

  io::Loop loop_;
  std::unique_ptr<io::Stream> near_, far_;
};

// A client session and a server session that answers each request with what `answer_` makes of it.
class Pair : public Wire {
 protected:
  Pair() : Pair(Limits{}) {}
  explicit Pair(const Limits& limits, bool serve = true) {
    client_ = std::make_unique<ClientSession>(std::move(near_), limits);
    server_ = std::make_unique<ServerSession>(std::move(far_), io::Buffer(), limits);
    loop_.Spawn(client_->Run());
    loop_.Spawn(server_->Run());
    if (serve) loop_.Spawn(Serve());
    Settle();
  }
  ~Pair() override {
    if (client_ != nullptr) client_->Close();
    if (server_ != nullptr) server_->Close();
    Settle();
  }

  io::Task<void> Serve() {
    for (;;) {
      std::unique_ptr<io::Stream> stream = co_await server_->Next();
      if (stream == nullptr) co_return;
      loop_.Spawn(ServeOne(std::move(stream)));
    }
  }
  io::Task<void> ServeOne(std::unique_ptr<io::Stream> stream) {
    std::string request = co_await ReadRequest(*stream);
    requests_.push_back(request);
    const std::string response = answer_(request);
    co_await stream->Write(response);
    if (until_close_) stream->ShutdownWrite();
  }

  // What the client gets to read for `request`.
  std::string Ask(const std::string& request) {
    std::string response;
    Do(AskInto(request, response));
    return response;
  }
  io::Task<void> AskInto(std::string request, std::string& response) {
    std::unique_ptr<io::Stream> stream = client_->Open();
    if (stream == nullptr) {
      response = "<full>";
      co_return;
    }
    const io::IoResult put = co_await stream->Write(request);
    if (!put.ok()) response = "<unwritten>";
    response += co_await ReadAll(*stream);
  }

  std::unique_ptr<ClientSession> client_;
  std::unique_ptr<ServerSession> server_;
  std::vector<std::string> requests_;
  std::function<std::string(const std::string&)> answer_ = [](const std::string&) {
    return "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";
  };
  bool until_close_ = false;
};

}  // namespace tulle::http2
