#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tulle::io {

// Why an operation on a connection did not go on.
enum class Error : uint8_t {
  kNone,
  kAgain,  // nothing now; wait for readiness (never the result of an awaited operation)
  kEof,    // the peer ended its direction in good order
  kReset,
  kLost,  // the connection that a stream shared with others is over
  kRefused,
  kUnreachable,
  kTimedOut,       // the deadline of the socket passed
  kTls,            // protocol error, bad certificate, truncation
  kIdentity,       // the peer's certificate is valid but not the one that was expected
  kNoDescriptors,  // EMFILE, ENFILE, ephemeral ports
  kUnprocessed,    // the peer says that it never looked at it
  kOther,
};

// The words for logs, metrics and x-tulle-reason.
constexpr std::string_view Name(Error error) {
  switch (error) {
    case Error::kNone:
      return "ok";
    case Error::kAgain:
      return "again";
    case Error::kEof:
      return "closed";
    case Error::kReset:
      return "reset";
    case Error::kLost:
      return "connection-lost";
    case Error::kRefused:
      return "refused";
    case Error::kUnreachable:
      return "unreachable";
    case Error::kTimedOut:
      return "timeout";
    case Error::kTls:
      return "tls";
    case Error::kIdentity:
      return "identity";
    case Error::kNoDescriptors:
      return "no-descriptors";
    case Error::kUnprocessed:
      return "unprocessed";
    case Error::kOther:
      return "error";
  }
  return "error";
}

Error ErrorFromErrno(int value);

// How many bytes moved, or why none did. `bytes` is 0 unless error is kNone.
struct IoResult {
  size_t bytes = 0;
  Error error = Error::kNone;
  bool ok() const { return error == Error::kNone; }
};

}  // namespace tulle::io
