#include "lib/http2/convert.h"

#include "lib/http/body.h"
#include "lib/http/text.h"
#include "lib/http/write.h"
#include "lib/http2/limits.h"

namespace tulle::http2 {
namespace {

using http::Known;

constexpr size_t kFieldOverhead = 32;  // RFC 9113 section 6.5.2

nghttp2_nv Field(std::string_view name, std::string_view value, int flags) {
  const auto bytes = [](std::string_view text) {
    return const_cast<uint8_t*>(reinterpret_cast<const uint8_t*>(text.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(), static_cast<uint8_t>(flags)};
}

// Values that differ with every request would push out of the peer's table what does not.
bool IsUnique(std::string_view name) {
  for (const std::string_view unique :
       {"traceparent", "tracestate", "x-request-id", "b3", "x-b3-spanid", "x-b3-traceid", "grpc-timeout"}) {
    if (unique.size() == name.size() && http::EqualsIgnoreCase(name, unique)) return true;
  }
  return false;
}

bool StaysBehind(const http::Header& header) {
  switch (header.known) {
    case Known::kHost:
    case Known::kConnection:
    case Known::kKeepAlive:
    case Known::kProxyConnection:
    case Known::kUpgrade:
    case Known::kTe:
    case Known::kTransferEncoding:
      return true;
    default:
      return false;
  }
}

// :path of any form of target that is not a plain path.
void MakePath(const http::RequestHead& head, std::string& path) {
  const size_t query = head.target.find('?');
  path = head.path();
  if (query != std::string_view::npos) path += head.target.substr(query);
  // What "*" becomes on its way to a proxy (RFC 9112 section 3.2.4).
  const size_t authority = head.target.find("://") + 3;
  if (head.method == "OPTIONS" && head.target.find_first_of("/?", authority) == std::string_view::npos)
    path = "*";
}

}  // namespace

void FieldList::Add(std::string_view name, std::string_view value) {
  list.push_back(Field(name, value, IsUnique(name) ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE));
}

void FieldList::AddPseudo(std::string_view static_name, std::string_view value) {
  list.push_back(Field(static_name, value, NGHTTP2_NV_FLAG_NO_COPY_NAME));
}

void MakeRequestFields(const http::RequestHead& head, FieldList& out) {
  out.list.clear();
  std::string_view path = head.target;
  if (!path.starts_with('/') && path != "*") {
    MakePath(head, out.path);
    path = out.path;
  }
  const std::string_view host = head.host().empty() ? head.authority() : head.host();
  out.AddPseudo(":method", head.method);
  out.AddPseudo(":scheme", "http");
  if (!host.empty()) out.AddPseudo(":authority", host);
  out.AddPseudo(":path", path);
  for (const http::Header& header : head.headers) {
    if (!StaysBehind(header)) out.Add(header.name, header.value);
  }
  if (head.te_trailers) out.Add("te", "trailers");
}

void MakeResponseFields(const http::ResponseHead& head, FieldList& out) {
  out.list.clear();
  out.status[0] = static_cast<char>('0' + head.status / 100);
  out.status[1] = static_cast<char>('0' + head.status / 10 % 10);
  out.status[2] = static_cast<char>('0' + head.status % 10);
  out.AddPseudo(":status", {out.status, sizeof out.status});
  const bool no_length = head.status < 200 || head.status == 204;
  for (const http::Header& header : head.headers) {
    if (StaysBehind(header) || (no_length && header.known == Known::kContentLength)) continue;
    out.Add(header.name, header.value);
  }
}

void MakeTrailerFields(std::string_view lines, FieldList& out) {
  out.list.clear();
  while (!lines.empty()) {
    const size_t end = lines.find("\r\n");
    if (end == std::string_view::npos || end == 0) return;
    const std::string_view line = lines.substr(0, end);
    const std::string_view name = line.substr(0, line.find(':'));
    const bool of_one_hop =
        http::EqualsIgnoreCase(name, "keep-alive") || http::EqualsIgnoreCase(name, "proxy-connection");
    if (!of_one_hop) out.Add(name, http::Trim(line.substr(name.size() + 1)));
    lines.remove_prefix(end + 2);
  }
}

void FieldBlock::Start(bool trailers) {
  trailers_ = trailers;
  for (std::string* text : {&method_, &path_, &authority_, &host_, &status_, &length_}) text->clear();
  fields_.Clear();
  cookies_.Clear();
  has_host_ = has_trailer_ = false;
  count_ = bytes_ = 0;
  why_ = nullptr;
}

void FieldBlock::Drop() {
  Start(false);
  fields_.Release();
  cookies_.Release();
}

void FieldBlock::Refuse(const char* why, int reply) {
  why_ = why;
  reply_ = reply;
}

void FieldBlock::Add(std::string_view name, std::string_view value) {
  bytes_ += name.size() + value.size() + kFieldOverhead;
  if (why_ != nullptr) return;
  if (bytes_ > kMaxHeaderListBytes) return Refuse("http/head-too-large", 431);
  if (name.starts_with(':')) return AddPseudo(name, value);
  if (++count_ > http::kMaxHeaders) return Refuse("http/too-many-headers", 431);
  if (trailers_) {
    if (http::MayBeTrailer(name)) http::AppendField(fields_, name, value);
    if (fields_.size() + 2 > http::kMaxTrailerBytes) Refuse("http/trailers-too-large", 431);
  } else if (name == "host") {
    host_ = value;
    has_host_ = true;
  } else if (name == "cookie") {
    if (!cookies_.empty() && !value.empty()) cookies_.Append("; ");
    cookies_.Append(value);
  } else if (name == "content-length") {
    length_ = value;
  } else {
    has_trailer_ |= name == "trailer";
    http::AppendField(fields_, name, value);
  }
}

void FieldBlock::AddPseudo(std::string_view name, std::string_view value) {
  if (name == ":method") method_ = value;
  if (name == ":path") path_ = value;
  if (name == ":authority") authority_ = value;
  if (name == ":status") status_ = value;
}

FieldBlock::Framing FieldBlock::AppendFields(io::Buffer& out, bool ended, bool bodiless) const {
  Framing framing = Framing::kNone;
  if (!length_.empty() && (ended || bodiless || !has_trailer_)) {
    http::AppendField(out, "content-length", length_);
    if (!bodiless) framing = Framing::kLength;
  }
  out.Append(fields_.view());
  if (!cookies_.empty()) http::AppendField(out, "cookie", cookies_.view());
  return framing;
}

FieldBlock::Framing FieldBlock::AppendRequest(io::Buffer& out, bool ended) const {
  out.Append(method_);
  out.Append(" ");
  out.Append(path_);
  out.Append(" HTTP/1.1\r\n");
  http::AppendField(out, "host", authority_.empty() ? host_ : authority_);
  // Two names for one request: let the reader refuse it.
  if (has_host_ && !authority_.empty() && !http::EqualsIgnoreCase(host_, authority_)) {
    http::AppendField(out, "host", host_);
  }
  Framing framing = AppendFields(out, ended, false);
  if (!ended && framing == Framing::kNone) {
    framing = Framing::kChunked;
    http::AppendField(out, "transfer-encoding", "chunked");
  }
  out.Append("\r\n");
  return ended ? Framing::kNone : framing;
}

FieldBlock::Framing FieldBlock::AppendResponse(io::Buffer& out, bool ended, bool head_request) const {
  const std::string_view status(status_);
  const int code = (status[0] - '0') * 100 + (status[1] - '0') * 10 + (status[2] - '0');
  const bool bodiless = code < 200 || code == 204 || code == 304 || head_request;
  out.Append("HTTP/1.1 ");
  out.Append(status);
  out.Append(" ");
  out.Append(http::ReasonPhrase(code));
  out.Append("\r\n");
  Framing framing = AppendFields(out, ended, bodiless);
  if (!bodiless && framing == Framing::kNone) {
    framing = Framing::kChunked;
    http::AppendField(out, "transfer-encoding", "chunked");
  }
  out.Append("\r\n");
  return framing;
}

}  // namespace tulle::http2
