#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "lib/http/limits.h"

// HTTP/1 message heads, read strictly (RFC 9112): whatever two parsers could read differently is refused,
// never forwarded. All views point into the bytes that were parsed and are valid only as long as these stay
// where they are.
namespace tulle::http {

// The headers that the mesh itself looks at; everything else passes by unread.
enum class Known : uint8_t {
  kOther,
  kHost,
  kContentLength,
  kTransferEncoding,
  kConnection,
  kKeepAlive,
  kProxyConnection,
  kTe,
  kTrailer,
  kUpgrade,
  kExpect,
  kMesh,  // x-tulle…, in any case and with underscores for dashes: ours alone
};

struct Header {
  std::string_view name;
  std::string_view value;  // trimmed
  Known known = Known::kOther;
};

// How the end of a body is found.
enum class Framing : uint8_t { kNone, kLength, kChunked, kUntilClose };

struct Head {
  std::vector<Header> headers;
  int minor_version = 1;
  Framing framing = Framing::kNone;
  uint64_t content_length = 0;  // with kLength
  bool keep_alive = true;       // the peer can take another message on this connection
  bool upgrade = false;         // Connection: upgrade and an Upgrade header
  bool te_trailers = false;

  // The value of the first header of that kind; empty where there is none.
  std::string_view Value(Known known) const;
  const Header* Find(std::string_view name) const;
};

struct RequestHead : Head {
  std::string_view method;
  std::string_view target;  // as written: /path?query, absolute-form, or *
  bool expect_continue = false;

  std::string_view authority() const;  // of an absolute-form target; empty for other forms
  std::string_view path() const;       // of the target, without query; "*" for *
  std::string_view host() const { return Value(Known::kHost); }
};

struct ResponseHead : Head {
  int status = 0;
  std::string_view reason;

  bool interim() const { return status < 200 && status != 101; }
};

enum class ParseStatus : uint8_t { kDone, kNeedMore, kBad };

struct ParseResult {
  ParseStatus status = ParseStatus::kNeedMore;
  size_t bytes = 0;           // of the head, its empty line included; with kDone
  const char* why = nullptr;  // "http/duplicate-host"; with kBad: a reason in the words of x-tulle-reason
  int reply = 400;            // status code that suits it; with kBad
};

// Reads a head from the start of `data` into `head`, whose former content is dropped. kNeedMore as long as
// `data` holds no whole head and is shorter than kMaxHeadBytes.
ParseResult ParseRequestHead(std::string_view data, RequestHead& head);

// `request_method` decides whether a body follows. Framing kUntilClose is what a response without length has.
ParseResult ParseResponseHead(std::string_view data, std::string_view request_method, ResponseHead& head);

// Repeating it, once sent, does no more than doing it once (RFC 9110 section 9.2.2).
bool IsIdempotent(std::string_view method);

}  // namespace tulle::http
