#include "lib/http/write.h"

#include "lib/http/text.h"

namespace tulle::http {
namespace {

bool IsHopByHop(Known known) {
  switch (known) {
    case Known::kConnection:
    case Known::kKeepAlive:
    case Known::kProxyConnection:
    case Known::kTe:
    case Known::kUpgrade:
      return true;
    default:
      return false;
  }
}

// A Connection header may name headers for removal, but never those that others rely on for routing, framing
// or identity.
bool IsProtected(const Header& header) {
  if (header.known != Known::kOther) return true;
  for (const std::string_view name :
       {"authorization", "cookie", "forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host",
        "x-request-id", "traceparent", "tracestate", "via"}) {
    if (EqualsIgnoreCase(header.name, name)) return true;
  }
  return false;
}

bool NamedByConnection(const Head& head, const Header& candidate) {
  if (IsProtected(candidate)) return false;
  bool named = false;
  for (const Header& header : head.headers) {
    if (header.known != Known::kConnection) continue;
    ForEachElement(header.value,
                   [&](std::string_view option) { named |= EqualsIgnoreCase(option, candidate.name); });
  }
  return named;
}

bool HasConnection(const Head& head) {
  for (const Header& header : head.headers) {
    if (header.known == Known::kConnection && !header.value.empty()) return true;
  }
  return false;
}

bool Takes(const HeaderEdits& edits, std::string_view name) {
  for (const auto& [set, value] : edits.set) {
    if (EqualsIgnoreCase(set, name)) return true;
  }
  for (const std::string& removed : edits.remove) {
    if (EqualsIgnoreCase(removed, name)) return true;
  }
  return false;
}

// Whether a header that was there before step `from` is gone after the last.
bool Edited(const EditSteps& edits, std::string_view name, size_t from = 0) {
  for (size_t i = from; i < edits.size(); ++i) {
    if (edits[i] != nullptr && Takes(*edits[i], name)) return true;
  }
  return false;
}

void AppendEdits(io::Buffer& out, const EditSteps& edits) {
  for (size_t i = 0; i < edits.size(); ++i) {
    if (edits[i] == nullptr) continue;
    for (const auto* fields : {&edits[i]->set, &edits[i]->add}) {
      for (const auto& [name, value] : *fields) {
        if (!Edited(edits, name, i + 1)) AppendField(out, name, value);
      }
    }
  }
}

}  // namespace

void AppendField(io::Buffer& out, std::string_view name, std::string_view value) {
  out.Append(name);
  out.Append(": ");
  out.Append(value);
  out.Append("\r\n");
}

void AppendRequestHead(io::Buffer& out, const RequestHead& head, const RequestForm& form) {
  out.Append(head.method);
  out.Append(" ");
  out.Append(form.target.empty() ? head.target : form.target);
  out.Append(" HTTP/1.1\r\n");
  const bool has_connection = HasConnection(head);
  bool has_host = false;
  for (const Header& header : head.headers) {
    const bool is_host = header.known == Known::kHost;
    has_host |= is_host;
    if (header.known == Known::kMesh || IsHopByHop(header.known)) continue;
    if (has_connection && NamedByConnection(head, header)) continue;
    if (Edited(form.edits, header.name)) continue;
    AppendField(out, header.name, is_host && !form.host.empty() ? form.host : header.value);
  }
  // HTTP/1.0 knows requests without Host, HTTP/1.1 refuses them.
  if (!has_host) AppendField(out, "Host", form.host.empty() ? head.authority() : form.host);
  AppendEdits(out, form.edits);
  if (head.upgrade) {
    AppendField(out, "Connection", "upgrade");
    AppendField(out, "Upgrade", head.Value(Known::kUpgrade));
  } else if (head.te_trailers) {
    AppendField(out, "Connection", "te");
    AppendField(out, "TE", "trailers");
  }
  for (const Field& field : form.added) AppendField(out, field.name, field.value);
  out.Append("\r\n");
}

void AppendResponseHead(io::Buffer& out, const ResponseHead& head, const ResponseForm& form) {
  const char code[] = {static_cast<char>('0' + head.status / 100),
                       static_cast<char>('0' + head.status / 10 % 10),
                       static_cast<char>('0' + head.status % 10), ' '};
  out.Append(form.client_is_1_0 ? "HTTP/1.0 " : "HTTP/1.1 ");
  out.Append({code, 4});
  out.Append(head.reason);
  out.Append("\r\n");
  const bool has_connection = HasConnection(head);
  for (const Header& header : head.headers) {
    if (IsHopByHop(header.known)) continue;
    if (header.known == Known::kMesh &&
        (!form.keep_mesh_headers || EqualsIgnoreCase(header.name, kUnsentHeader)))
      continue;
    // Also of a response that has no body: HTTP/1.0 does not know the word (RFC 9112 section 6.1).
    const bool of_chunks = header.known == Known::kTransferEncoding || header.known == Known::kTrailer;
    if (of_chunks && (form.dechunk || form.client_is_1_0)) continue;
    if (has_connection && NamedByConnection(head, header)) continue;
    if (Edited(form.edits, header.name)) continue;
    AppendField(out, header.name, header.value);
  }
  AppendEdits(out, form.edits);
  if (head.status == 101) {
    AppendField(out, "Connection", "upgrade");
    AppendField(out, "Upgrade", head.Value(Known::kUpgrade));
  } else if (!form.keep_alive) {
    AppendField(out, "Connection", "close");
  } else if (form.client_is_1_0) {
    AppendField(out, "Connection", "keep-alive");
  }
  for (const Field& field : form.added) AppendField(out, field.name, field.value);
  out.Append("\r\n");
}

namespace {

// As gRPC's own mapping has it (grpc/doc/http-grpc-status-mapping.md), but for what we know better: which
// deadline has passed.
int GrpcStatus(int status) {
  switch (status) {
    case 400:
    case 431:
    case 501:
    case 505:
      return 13;  // INTERNAL
    case 401:
      return 16;  // UNAUTHENTICATED
    case 403:
      return 7;  // PERMISSION_DENIED
    case 404:
      return 12;  // UNIMPLEMENTED
    case 429:
    case 502:
    case 503:
      return 14;  // UNAVAILABLE
    case 408:
    case 504:
      return 4;  // DEADLINE_EXCEEDED
    default:
      return 2;  // UNKNOWN
  }
}

void AddFields(std::string& text, std::span<const Field> fields) {
  for (const Field& field : fields) {
    text += field.name;
    text += ": ";
    text += field.value;
    text += "\r\n";
  }
}

std::string FormatGrpcReply(const LocalReply& reply) {
  const int status = reply.grpc_status >= 0 ? reply.grpc_status : GrpcStatus(reply.status);
  const std::string reason(reply.reason);
  std::string text =
      "HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ngrpc-status: " + std::to_string(status) +
      "\r\ngrpc-message: tulle: " + reason + "\r\n" + std::string(kReasonHeader) + ": " + reason +
      "\r\ncontent-length: 0\r\n";
  AddFields(text, reply.added);
  if (!reply.keep_alive) text += "connection: close\r\n";
  return text + "\r\n";
}

std::string WordsOf(const LocalReply& reply) {
  std::string body = "tulle: " + std::string(reply.reason);
  if (!reply.detail.empty()) body += ": " + std::string(reply.detail);
  return body + "\n";
}

}  // namespace

std::string FormatLocalReply(const LocalReply& reply) {
  if (reply.grpc) return FormatGrpcReply(reply);
  const std::string body = reply.body != nullptr ? *reply.body : WordsOf(reply);
  std::string text =
      "HTTP/1.1 " + std::to_string(reply.status) + " " + std::string(ReasonPhrase(reply.status)) + "\r\n";
  if (reply.status != 204 && reply.status != 304) {
    text += "content-type: " + std::string(reply.content_type) +
            "\r\ncontent-length: " + std::to_string(body.size()) + "\r\n";
  }
  text += std::string(kReasonHeader) + ": " + std::string(reply.reason) + "\r\n";
  AddFields(text, reply.added);
  if (reply.unsent) text += std::string(kUnsentHeader) + ": 1\r\n";
  if (!reply.keep_alive) text += "connection: close\r\n";
  text += "\r\n";
  const bool has_body = !reply.head_only && reply.status != 204 && reply.status != 304;
  if (has_body) text += body;
  return text;
}

std::string_view ReasonPhrase(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 103:
      return "Early Hints";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Status";
  }
}

}  // namespace tulle::http
