#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lib/http/head.h"
#include "lib/io/buffer.h"
#include "lib/io/stream.h"

namespace tulle::control::distribute {

// One request of a client of the config port, read whole.
struct Request {
  std::string method;
  std::string path;
  std::string bearer_token;
  std::string upgrade;  // protocol asked for; empty = none
  std::string body;
};

// What is wrong with a request, as a status and words for the one who sent it.
struct BadRequest {
  int status = 400;
  std::string error;
};

// Reads one request within the deadline of the stream's socket. Bytes behind it stay in `buffer`. A status of
// 0 means that the connection ended or went silent, so that there is nobody to answer. `stream` and `buffer`
// must outlive the task.
io::Task<base::Result<Request, BadRequest>> ReadRequest(io::Stream& stream, io::Buffer& buffer);

// A whole answer with a JSON body, after which the connection closes.
std::string FormatReply(int status, std::string_view json_body);
std::string FormatError(int status, const std::string& error);
// The answer that opens a config stream.
std::string FormatSwitching();

}  // namespace tulle::control::distribute
