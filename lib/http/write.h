#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

// What a rule does to headers: `remove` and `set` take all of a name away, whatever its case, `set` and `add`
// put one there.
struct HeaderEdits {
  std::vector<std::pair<std::string, std::string>> set;
  std::vector<std::pair<std::string, std::string>> add;
  std::vector<std::string> remove;
};
// One after the other, each on what the ones before it left; null for none.
using EditSteps = std::array<const HeaderEdits*, 2>;

// What a request becomes on its way to the next hop. Empty means as it is.
struct RequestForm {
  std::string_view target = {};
  std::string_view host = {};
  EditSteps edits{};
  std::span<const Field> added = {};
};

// The request for the next hop, always HTTP/1.1. Drops hop-by-hop headers and every x-tulle header, whoever
// sent it; `added` comes last. A request for an upgrade keeps its Upgrade header.
void AppendRequestHead(io::Buffer& out, const RequestHead& head, const RequestForm& form);

// What a response becomes on its way to a client of the given version.
struct ResponseForm {
  bool keep_alive = true;  // the connection to the client stays open
  bool client_is_1_0 = false;
  bool dechunk = false;            // the body is sent without chunked framing
  bool keep_mesh_headers = false;  // x-tulle-reason of a peer sidecar passes; those of an app do not
  EditSteps edits{};
  std::span<const Field> added = {};
};
void AppendResponseHead(io::Buffer& out, const ResponseHead& head, const ResponseForm& form);

// A whole response that a sidecar gives in its own name. `reason` is the refusal in the words of
// x-tulle-reason.
struct LocalReply {
  int status = 503;
  std::string_view reason;            // "access/deny shop/allow-web#2"
  std::string_view detail;            // for the body, one sentence; may be empty
  const std::string* body = nullptr;  // instead of the words of ours
  std::string_view content_type = "text/plain";
  std::span<const Field> added = {};
  bool unsent = false;  // the request provably never reached the app: another attempt is safe
  bool keep_alive = true;
  bool head_only = false;  // the request was HEAD
  bool grpc = false;       // told as a gRPC status, without content
  int grpc_status = -1;    // the one to tell; -1: what suits `status`
};
std::string FormatLocalReply(const LocalReply& reply);

std::string_view ReasonPhrase(int status);

// Names of headers of our own.
inline constexpr std::string_view kReasonHeader = "x-tulle-reason";
inline constexpr std::string_view kUnsentHeader = "x-tulle-unsent";
inline constexpr std::string_view kSourceHeader = "x-tulle-source";

}  // namespace tulle::http
