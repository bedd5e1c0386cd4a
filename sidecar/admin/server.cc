#include "sidecar/admin/server.h"

#include <algorithm>

#include "lib/http/write.h"
#include "sidecar/admin/limits.h"

namespace tulle::sidecar::admin {
namespace {

std::string Format(const Answer& answer, bool head_only) {
  std::string text = "HTTP/1.1 " + std::to_string(answer.status) + " " +
                     std::string(http::ReasonPhrase(answer.status)) + "\r\ncontent-type: " + answer.type +
                     "\r\ncontent-length: " + std::to_string(answer.body.size()) +
                     "\r\nconnection: close\r\n";
  if (answer.status == 405) text += "allow: GET, HEAD\r\n";
  text += "\r\n";
  if (!head_only) text += answer.body;
  return text;
}

}  // namespace

Server::Server(io::Loop& loop, overload::LimitCounts& limits, Answerer answerer)
    : loop_(loop), limits_(limits), answerer_(std::move(answerer)) {}

base::Result<bool> Server::Listen(const io::SocketAddress& address) {
  auto listener = io::Listener::Open(loop_, address, {});
  if (!listener) return listener.failure();
  listeners_.push_back(std::move(*listener));
  accepting_.push_back(Accept(*listeners_.back()));
  accepting_.back().Start();
  return true;
}

io::Task<void> Server::Accept(io::Listener& listener) {
  for (;;) {
    const io::Listener::Accepted accepted = co_await listener.Accept();
    if (accepted.fd >= 0) {
      TakeIn(accepted.fd);
      co_await loop_.Yield();
    } else {
      limits_.Hit(overload::Limit::kDescriptors);
      PushOut();
      co_await loop_.Sleep(kNoDescriptorPause);
    }
  }
}

void Server::TakeIn(int fd) {
  std::erase_if(clients_, [](const Client& client) { return client.serving->done(); });
  if (clients_.size() >= kMaxClients) {
    limits_.Hit(overload::Limit::kConnections);
    PushOut();
  }
  Client& client = clients_.emplace_back();
  client.serving.emplace(Serve(fd, client));
  client.serving->Start();
}

// Where all are busy, the oldest.
void Server::PushOut() {
  if (clients_.empty()) return;
  const auto idle =
      std::find_if(clients_.begin(), clients_.end(), [](const Client& one) { return !one.busy; });
  clients_.erase(idle == clients_.end() ? clients_.begin() : idle);
}

// The stream is no parameter: these stay until somebody reaps the task.
io::Task<void> Server::Serve(int fd, Client& client) {
  std::unique_ptr<io::Stream> stream =
      std::make_unique<io::PlainStream>(std::make_unique<io::Socket>(loop_, fd));
  io::Buffer in;
  http::RequestHead head;
  const http::ParseResult parsed = co_await ReadHead(*stream, in, head);
  if (parsed.status == http::ParseStatus::kNeedMore) co_return;
  client.busy = true;
  Answer answer;
  if (parsed.status == http::ParseStatus::kBad) {
    answer = {parsed.reply, std::string(parsed.why) + "\n"};
  } else if (head.method != "GET" && head.method != "HEAD") {
    answer = {405, "only GET and HEAD\n"};
  } else {
    const std::string_view path = head.path();
    answer = co_await answerer_(path);
  }
  const std::string text = Format(answer, head.method == "HEAD");
  stream->readiness().SetDeadline(io::Clock::now() + kReplyTime);
  const std::span<const char> bytes(text);
  const io::IoResult written = co_await stream->Write(bytes);
  client.busy = false;
  if (written.ok()) co_await io::CloseSoftly(std::move(stream), kLinger, kLingerBytes);
}

// kNeedMore when the client went before it had asked, or took too long.
io::Task<http::ParseResult> Server::ReadHead(io::Stream& stream, io::Buffer& in, http::RequestHead& head) {
  stream.readiness().SetDeadline(io::Clock::now() + kHeadTime);
  for (;;) {
    const io::IoResult got = co_await stream.ReadInto(in, kMaxRequestBytes);
    if (got.error == io::Error::kTimedOut) limits_.Hit(overload::Limit::kHeadTime);
    if (!got.ok()) co_return http::ParseResult{};
    const http::ParseResult parsed = http::ParseRequestHead(in.view(), head);
    if (parsed.status != http::ParseStatus::kNeedMore) co_return parsed;
    if (in.size() < kMaxRequestBytes) continue;
    limits_.Hit(overload::Limit::kHeadBytes);
    co_return http::ParseResult{http::ParseStatus::kBad, 0, "http/head-too-large", 431};
  }
}

}  // namespace tulle::sidecar::admin
