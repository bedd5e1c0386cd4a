#pragma once

#include <string_view>

// What the first bytes of a connection say about its protocol: pure. What there is to a ClientHello is in
// hello.h.
namespace tulle::sidecar::detect {

enum class Spoken {
  kNeedMore,  // nothing that would decide yet
  kWord,      // a word not written as methods are, and nothing behind it yet: hardly the start of a request
  kHttp1,     // what some app may read as the line of a request
  kHttp2,     // the preface that a client of HTTP/2 without TLS begins with
  kOpaque,    // anything else, TLS among it
};

// kNeedMore and kWord only while `bytes` could still become a request line.
Spoken SniffPlain(std::string_view bytes);

// The frame with which a server of HTTP/2 begins (RFC 9113 section 6.5).
bool IsHttp2Settings(std::string_view bytes);

}  // namespace tulle::sidecar::detect
