#include "lib/http/head.h"

#include "lib/http/text.h"

namespace tulle::http {
namespace {

ParseResult Bad(const char* why, int reply = 400) { return {ParseStatus::kBad, 0, why, reply}; }

struct Line {
  ParseStatus status;
  std::string_view text;
};

// The line at the start of `data`, without its CRLF. A line feed without carriage return is bad at once.
Line TakeLine(std::string_view& data) {
  const size_t end = data.find('\n');
  if (end == std::string_view::npos) return {ParseStatus::kNeedMore, {}};
  if (end == 0 || data[end - 1] != '\r') return {ParseStatus::kBad, {}};
  const std::string_view text = data.substr(0, end - 1);
  data.remove_prefix(end + 1);
  return {ParseStatus::kDone, text};
}

Known Classify(std::string_view name) {
  struct Entry {
    std::string_view name;
    Known known;
  };
  static constexpr Entry kEntries[] = {
      {"te", Known::kTe},
      {"host", Known::kHost},
      {"expect", Known::kExpect},
      {"upgrade", Known::kUpgrade},
      {"trailer", Known::kTrailer},
      {"connection", Known::kConnection},
      {"keep-alive", Known::kKeepAlive},
      {"content-length", Known::kContentLength},
      {"proxy-connection", Known::kProxyConnection},
      {"transfer-encoding", Known::kTransferEncoding},
  };
  for (const Entry& entry : kEntries) {
    if (entry.name.size() == name.size() && EqualsIgnoreCase(entry.name, name)) return entry.known;
  }
  const bool ours = name.size() >= 7 && (name[0] | 32) == 'x' && (name[1] == '-' || name[1] == '_') &&
                    StartsWithIgnoreCase(name.substr(2), "tulle");
  return ours ? Known::kMesh : Known::kOther;
}

bool IsValueText(std::string_view value) {
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && byte != '\t') || byte == 0x7f) return false;
  }
  return true;
}

const char* ParseLength(std::string_view value, uint64_t& length) {
  if (value.empty() || value.size() > 18) return "http/content-length";
  if (value.size() > 1 && value.front() == '0') return "http/content-length";  // octal, to some readers
  length = 0;
  for (const char c : value) {
    if (c < '0' || c > '9') return "http/content-length";
    length = length * 10 + (c - '0');
  }
  return nullptr;
}

// Reads header lines up to the empty one.
ParseResult ParseHeaders(std::string_view& rest, Head& head) {
  head.headers.clear();
  for (;;) {
    const Line line = TakeLine(rest);
    if (line.status == ParseStatus::kNeedMore) return {};
    if (line.status == ParseStatus::kBad) return Bad("http/bare-line-feed");
    if (line.text.empty()) return {ParseStatus::kDone};
    if (line.text.front() == ' ' || line.text.front() == '\t') return Bad("http/folded-header");
    const size_t colon = line.text.find(':');
    if (colon == std::string_view::npos) return Bad("http/header-without-colon");
    Header header{line.text.substr(0, colon), Trim(line.text.substr(colon + 1))};
    if (!IsToken(header.name)) return Bad("http/header-name");
    if (!IsValueText(header.value)) return Bad("http/header-value");
    if (head.headers.size() >= kMaxHeaders) return Bad("http/too-many-headers", 431);
    header.known = Classify(header.name);
    head.headers.push_back(header);
  }
}

// What would carry further requests past everything that looks at requests. A server may leave such an offer
// alone (RFC 9110 section 7.8), and we do so for it.
bool HidesHttp(std::string_view protocol) {
  return StartsWithIgnoreCase(protocol, "h2") || StartsWithIgnoreCase(protocol, "http/") ||
         StartsWithIgnoreCase(protocol, "tls/");
}

// The facts that both kinds of head share: framing as written, persistence, upgrade.
struct Written {
  bool length = false;
  bool chunked = false;
};

ParseResult ReadCommon(Head& head, Written& written) {
  head.keep_alive = head.minor_version >= 1;
  head.upgrade = head.te_trailers = false;
  head.content_length = 0;
  bool connection_upgrade = false;
  bool has_upgrade = false;
  bool hides_http = false;
  for (const Header& header : head.headers) {
    switch (header.known) {
      case Known::kContentLength:
        if (written.length) return Bad("http/duplicate-content-length");
        if (const char* why = ParseLength(header.value, head.content_length)) return Bad(why);
        written.length = true;
        break;
      case Known::kTransferEncoding:
        if (written.chunked) return Bad("http/duplicate-transfer-encoding");
        if (!EqualsIgnoreCase(header.value, "chunked")) return Bad("http/transfer-encoding", 501);
        if (head.minor_version == 0) return Bad("http/transfer-encoding-in-1.0");
        written.chunked = true;
        break;
      case Known::kConnection:
        ForEachElement(header.value, [&](std::string_view option) {
          if (EqualsIgnoreCase(option, "close")) head.keep_alive = false;
          if (EqualsIgnoreCase(option, "upgrade")) connection_upgrade = true;
          if (EqualsIgnoreCase(option, "keep-alive") && head.minor_version == 0) head.keep_alive = true;
        });
        break;
      case Known::kUpgrade:
        has_upgrade = true;
        ForEachElement(header.value, [&](std::string_view protocol) { hides_http |= HidesHttp(protocol); });
        break;
      case Known::kTe:
        ForEachElement(header.value, [&](std::string_view coding) {
          if (EqualsIgnoreCase(coding, "trailers")) head.te_trailers = true;
        });
        break;
      default:
        break;
    }
  }
  if (written.length && written.chunked) return Bad("http/length-and-chunked");
  // HTTP/1.0 has no upgrades (RFC 9110 section 7.8).
  head.upgrade = connection_upgrade && has_upgrade && !hides_http && head.minor_version >= 1;
  return {ParseStatus::kDone};
}

// Without fragment: a reader that keeps it and one that cuts it off see two paths.
bool IsTargetText(std::string_view target) {
  for (const char c : target) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte >= 0x7f || c == '#') return false;
  }
  return !target.empty();
}

bool IsHostText(std::string_view host) {
  for (const char c : host) {
    const bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      std::string_view("-._~:[]%!$&'()*+;=").find(c) != std::string_view::npos;
    if (!fine) return false;
  }
  return true;
}

const char* ParseRequestLine(std::string_view line, RequestHead& head) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return "http/request-line";
  head.method = line.substr(0, first);
  head.target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return "http/version";
  head.minor_version = version.back() - '0';
  if (!IsToken(head.method) || head.method.size() > 64) return "http/method";
  if (!IsTargetText(head.target)) return "http/target";
  if (head.target.front() == '/' || head.method == "CONNECT") return nullptr;
  if (head.target == "*") return head.method == "OPTIONS" ? nullptr : "http/target";
  const bool absolute =
      StartsWithIgnoreCase(head.target, "http://") || StartsWithIgnoreCase(head.target, "https://");
  return absolute && !head.authority().empty() ? nullptr : "http/target";
}

const char* CheckHost(const RequestHead& head) {
  int hosts = 0;
  for (const Header& header : head.headers) hosts += header.known == Known::kHost;
  if (hosts > 1) return "http/duplicate-host";
  const std::string_view authority = head.authority();
  if (!IsHostText(authority)) return "http/host";
  if (hosts == 0) return head.minor_version >= 1 ? "http/missing-host" : nullptr;
  if (!IsHostText(head.host())) return "http/host";
  if (!authority.empty() && !EqualsIgnoreCase(authority, head.host())) return "http/host-differs-from-target";
  return nullptr;
}

}  // namespace

std::string_view Head::Value(Known known) const {
  for (const Header& header : headers) {
    if (header.known == known) return header.value;
  }
  return {};
}

const Header* Head::Find(std::string_view name) const {
  for (const Header& header : headers) {
    if (EqualsIgnoreCase(header.name, name)) return &header;
  }
  return nullptr;
}

std::string_view RequestHead::authority() const {
  const size_t scheme = target.find("://");
  if (target.starts_with('/') || scheme == std::string_view::npos) return {};
  const std::string_view rest = target.substr(scheme + 3);
  return rest.substr(0, rest.find_first_of("/?"));
}

std::string_view RequestHead::path() const {
  std::string_view path = target;
  const size_t scheme = path.starts_with('/') ? std::string_view::npos : path.find("://");
  if (scheme != std::string_view::npos) {
    const size_t slash = path.find_first_of("/?", scheme + 3);
    path = slash == std::string_view::npos || path[slash] == '?' ? "/" : path.substr(slash);
  }
  return path.substr(0, path.find('?'));
}

ParseResult ParseRequestHead(std::string_view data, RequestHead& head) {
  std::string_view rest = data;
  // A client may send one empty line too many after a body (RFC 9112 section 2.2).
  if (rest.starts_with("\r\n")) rest.remove_prefix(2);
  const Line line = TakeLine(rest);
  const bool too_long = data.size() >= kMaxHeadBytes;
  if (line.status == ParseStatus::kNeedMore)
    return too_long ? Bad("http/head-too-large", 431) : ParseResult{};
  if (line.status == ParseStatus::kBad) return Bad("http/bare-line-feed");
  if (const char* why = ParseRequestLine(line.text, head))
    return Bad(why, why == std::string_view("http/version") ? 505 : 400);

  const ParseResult headers = ParseHeaders(rest, head);
  const bool whole = headers.status == ParseStatus::kDone;
  if (headers.status == ParseStatus::kBad) return headers;
  if (whole ? data.size() - rest.size() > kMaxHeadBytes : too_long) return Bad("http/head-too-large", 431);
  if (!whole) return headers;

  Written written;
  const ParseResult common = ReadCommon(head, written);
  if (common.status != ParseStatus::kDone) return common;
  if (const char* why = CheckHost(head)) return Bad(why);
  if (head.method == "CONNECT") return Bad("http/connect", 501);
  head.expect_continue = EqualsIgnoreCase(head.Value(Known::kExpect), "100-continue");
  head.framing = written.chunked                             ? Framing::kChunked
                 : written.length && head.content_length > 0 ? Framing::kLength
                                                             : Framing::kNone;
  return {ParseStatus::kDone, data.size() - rest.size()};
}

namespace {

const char* ParseStatusLine(std::string_view line, ResponseHead& head) {
  if (line.size() < 12 || !line.starts_with("HTTP/1.") || (line[7] != '0' && line[7] != '1') ||
      line[8] != ' ') {
    return "upstream/status-line";
  }
  head.minor_version = line[7] - '0';
  head.status = 0;
  for (const char c : line.substr(9, 3)) {
    if (c < '0' || c > '9') return "upstream/status-line";
    head.status = head.status * 10 + (c - '0');
  }
  if (head.status < 100 || (line.size() > 12 && line[12] != ' ')) return "upstream/status-line";
  head.reason = line.size() > 13 ? line.substr(13) : std::string_view();
  return IsValueText(head.reason) ? nullptr : "upstream/status-line";
}

}  // namespace

ParseResult ParseResponseHead(std::string_view data, std::string_view request_method, ResponseHead& head) {
  std::string_view rest = data;
  const Line line = TakeLine(rest);
  const bool too_long = data.size() >= kMaxHeadBytes;
  if (line.status == ParseStatus::kNeedMore)
    return too_long ? Bad("upstream/head-too-large", 502) : ParseResult{};
  if (line.status == ParseStatus::kBad) return Bad("upstream/bare-line-feed", 502);
  if (const char* why = ParseStatusLine(line.text, head)) return Bad(why, 502);

  ParseResult headers = ParseHeaders(rest, head);
  const bool whole = headers.status == ParseStatus::kDone;
  if (whole ? data.size() - rest.size() > kMaxHeadBytes : too_long)
    return Bad("upstream/head-too-large", 502);
  if (headers.status == ParseStatus::kNeedMore) return headers;
  Written written;
  if (whole) headers = ReadCommon(head, written);
  if (headers.status == ParseStatus::kBad) return Bad(headers.why, 502);

  const bool no_body =
      head.status < 200 || head.status == 204 || head.status == 304 || request_method == "HEAD";
  if (no_body) {
    head.framing = Framing::kNone;
  } else if (written.chunked) {
    head.framing = Framing::kChunked;
  } else if (written.length) {
    head.framing = head.content_length > 0 ? Framing::kLength : Framing::kNone;
  } else {
    head.framing = Framing::kUntilClose;
    head.keep_alive = false;
  }
  return {ParseStatus::kDone, data.size() - rest.size()};
}

bool IsIdempotent(std::string_view method) {
  for (const std::string_view known : {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"}) {
    if (method == known) return true;
  }
  return false;
}

}  // namespace tulle::http
