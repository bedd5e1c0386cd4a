#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/http/head.h"
#include "lib/io/stream.h"
#include "sidecar/overload/counts.h"

namespace tulle::sidecar::admin {

struct Answer {
  int status = 200;
  std::string body;
  const char* type = "text/plain";
};

// A small HTTP server on one port: GET and HEAD, one request for each connection. It holds a bounded number
// of clients, and none of them for longer than the limits of this room and the answer allow. Lives on its
// loop.
class Server {
 public:
  // The answer for a path, without its query. The view holds until the task ends.
  using Answerer = std::function<io::Task<Answer>(std::string_view path)>;

  // `limits` must outlive the server.
  Server(io::Loop& loop, overload::LimitCounts& limits, Answerer answerer);

  // May be called for several addresses.
  base::Result<bool> Listen(const io::SocketAddress& address);

 private:
  struct Client {
    bool busy = false;  // its answer is being made or written
    std::optional<io::Task<void>> serving;
  };

  io::Task<void> Accept(io::Listener& listener);
  void TakeIn(int fd);
  void PushOut();
  io::Task<void> Serve(int fd, Client& client);
  io::Task<http::ParseResult> ReadHead(io::Stream& stream, io::Buffer& in, http::RequestHead& head);

  io::Loop& loop_;
  overload::LimitCounts& limits_;
  Answerer answerer_;
  std::vector<std::unique_ptr<io::Listener>> listeners_;
  std::vector<io::Task<void>> accepting_;
  std::list<Client> clients_;  // the oldest first
};

}  // namespace tulle::sidecar::admin
