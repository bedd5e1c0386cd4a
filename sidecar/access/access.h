#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/http/head.h"
#include "lib/identity/spiffe.h"
#include "lib/meshconfig/types.h"
#include "sidecar/route/pattern.h"

// Who may call this workload. Pure: the caller, the port and the request in, a verdict with its reason out.
namespace tulle::sidecar::access {

// A caller's identity, with the text of it that rules are compared with.
struct Caller {
  explicit Caller(identity::SpiffeId verified) : id(std::move(verified)), text(identity::Print(id)) {}
  const identity::SpiffeId id;
  const std::string text;
};

struct Call {
  const Caller* caller = nullptr;           // verified by TLS; null = unknown
  uint16_t port = 0;                        // of the pod
  const http::RequestHead* head = nullptr;  // null on a connection that is not HTTP
};

struct Verdict {
  bool allowed = true;
  std::string reason;  // of a refusal: "access/deny shop/allow-web#2", "access/not-allowed shop/allow-web"
};

// One of the things that rules and limits are about, ready to be asked.
class Target {
 public:
  explicit Target(const meshconfig::AccessTo& to);

  // The call is about it beyond doubt.
  bool Includes(const Call& call) const { return Matches(call, false); }
  // It may be about it, as some reader would understand it.
  bool MayInclude(const Call& call) const { return Matches(call, true); }
  bool looks_at_paths() const { return !paths_.empty(); }

 private:
  bool Matches(const Call& call, bool in_doubt) const;

  std::vector<int64_t> ports_;
  std::vector<std::string> methods_;
  std::vector<route::PathPattern> paths_;
};

// The access rules of one workload, ready to be asked. Immutable; may be shared by threads.
class Policy {
 public:
  explicit Policy(const meshconfig::Workload& workload);

  // Deny rules first; then, if there is any Allow rule, one must match.
  Verdict Evaluate(const Call& call) const;

  // Whether a caller without TLS may talk at all; of a refusal, the reason.
  Verdict EvaluatePlaintext() const;

  // Some rule looks at paths, so that a path that could be read in two ways must be refused.
  bool looks_at_paths() const { return looks_at_paths_; }

 private:
  struct Rule {
    std::string name;
    meshconfig::AccessAction action;
    std::vector<meshconfig::AccessFrom> from;
    std::vector<Target> to;
  };

  static bool MatchesFrom(const meshconfig::AccessFrom& from, const Call& call,
                          meshconfig::AccessAction action);
  static bool Matches(const Rule& rule, const Call& call);

  std::vector<Rule> rules_;
  std::string allow_policies_;  // names of the policies that have Allow rules, for the reason of a refusal
  meshconfig::MtlsMode mtls_;
  std::string mtls_source_;
  bool looks_at_paths_ = false;
};

// The path says the same to every reader: no //, no dot segments, no backslash or semicolon, no encoded
// slash, dot, backslash, semicolon, percent, control character, letter, digit, '-', '_' or '~', no percent
// sign without two hex digits.
bool IsUnambiguousPath(std::string_view path);

}  // namespace tulle::sidecar::access
