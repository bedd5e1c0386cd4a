#pragma once

#include <span>
#include <string>
#include <string_view>

#include "lib/http/head.h"
#include "lib/io/buffer.h"

// Heads as they leave: the bytes of the original, in their order and case, less what belongs to one hop only,
// plus what the mesh adds.
namespace tulle::http {

struct Field {
  std::string_view name;
  std::string_view value;
};

// "name: value" and the end of the line.
void AppendField(io::Buffer& out, std::string_view name, std::string_view value);

// The request for the next hop, always HTTP/1.1. Drops hop-by-hop headers and every x-tulle header, whoever
// sent it, then adds `added`. A request for an upgrade keeps its Upgrade header.
void AppendRequestHead(io::Buffer& out, const RequestHead& head, std::span<const Field> added);

// What a response becomes on its way to a client of the given version.
struct ResponseForm {
  bool keep_alive = true;  // the connection to the client stays open
  bool client_is_1_0 = false;
  bool dechunk = false;            // the body is sent without chunked framing
  bool keep_mesh_headers = false;  // x-tulle-reason of a peer sidecar passes; those of an app do not
};
void AppendResponseHead(io::Buffer& out, const ResponseHead& head, const ResponseForm& form,
                        std::span<const Field> added);

// A whole response that a sidecar gives in its own name. `reason` is the refusal in the words of
// x-tulle-reason.
struct LocalReply {
  int status = 503;
  std::string_view reason;  // "access/deny shop/allow-web#2"
  std::string_view detail;  // for the body, one sentence; may be empty
  std::span<const Field> added;
  bool unsent = false;  // the request provably never reached the app: another attempt is safe
  bool keep_alive = true;
  bool head_only = false;  // the request was HEAD
  bool grpc = false;       // told as a gRPC status, without content
};
std::string FormatLocalReply(const LocalReply& reply);

std::string_view ReasonPhrase(int status);

// Names of headers of our own.
inline constexpr std::string_view kReasonHeader = "x-tulle-reason";
inline constexpr std::string_view kUnsentHeader = "x-tulle-unsent";
inline constexpr std::string_view kSourceHeader = "x-tulle-source";

}  // namespace tulle::http
