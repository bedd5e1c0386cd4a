#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "lib/http/body.h"
#include "lib/http/write.h"
#include "lib/io/task.h"
#include "lib/meshconfig/types.h"
#include "sidecar/exchange/downstream.h"
#include "sidecar/exchange/limits.h"
#include "sidecar/exchange/mirror.h"
#include "sidecar/protect/usage.h"
#include "sidecar/upstream/connector.h"
#include "sidecar/upstream/host.h"

namespace tulle::sidecar::exchange {

// Where attempts go. Asked once per attempt, so that a retry meets what is known by then.
class Picker {
 public:
  virtual ~Picker() = default;
  // Null when there is no endpoint at all.
  virtual std::shared_ptr<upstream::Host> Pick(const upstream::Tried& tried) = 0;
  // There is an endpoint that was not tried yet.
  virtual bool HasUntried(const upstream::Tried& tried) const = 0;
  // Pick gave nothing because all endpoints have as many requests as they may.
  virtual bool full() const { return false; }
  // What an attempt says of the host that Pick gave for it.
  virtual void Report(upstream::Host&, protect::Result) {}
};

// The one endpoint there is.
class FixedPicker final : public Picker {
 public:
  explicit FixedPicker(std::shared_ptr<upstream::Host> host) : host_(std::move(host)) {}
  std::shared_ptr<upstream::Host> Pick(const upstream::Tried&) override { return host_; }
  bool HasUntried(const upstream::Tried&) const override { return false; }

 private:
  std::shared_ptr<upstream::Host> host_;
};

// How one request is to be carried out. What it points to outlives the exchange.
struct Plan {
  Picker* picker = nullptr;
  std::string_view no_endpoint_reason;  // of the reply when the picker has none
  mux::Kind kind = mux::Kind::kHttp1;   // what the app is to be spoken to in
  io::Duration connect_timeout = std::chrono::seconds(1);
  io::TimePoint deadline = io::kNever;    // of the whole exchange
  protect::Usage* usage = nullptr;        // what the Service gets; null for none
  meshconfig::CallLimits limits;          // of `usage`
  std::string_view limits_source;         // for reasons
  meshconfig::Retry retry;                // attempts 0: nothing but what was never sent is repeated
  int unsent_attempts = kUnsentAttempts;  // for what was never sent
  bool mark_unsent = false;        // a reply of our own says when another sidecar may repeat the request
  bool keep_mesh_headers = false;  // x-tulle headers of the response are a peer sidecar's
  // A client that takes nothing of its answer for so long is given up.
  io::Duration reader_patience = kBodyIdle;
  bool close_after = false;          // the client is to make a new connection for its next request
  http::RequestForm request;         // what the request becomes
  http::EditSteps response_edits{};  // what the response becomes
  std::span<const http::Field> response_fields;
  Mirrors* mirrors = nullptr;  // who gets copies
};

// What became of it.
struct Outcome {
  int status = 0;  // that the client saw; 0 = none
  std::string
      reason;  // of a reply of our own, or why the response broke off; empty = the app answered in full
  bool reusable = false;  // the client's connection can take another request
  int attempts = 0;
  // The limit that the request met, in the words of its reason, and whether that changed anything.
  const char* limit = nullptr;
  bool limit_shadow = false;
  uint64_t request_bytes = 0;  // bodies, framing included
  uint64_t response_bytes = 0;
  std::shared_ptr<upstream::Host> host;  // of the last attempt
};

// One request with its attempts: from the head in `downstream` to the last byte of the response. Its moves:
//
//   connect ──> send ──> await ──> relay ──> done
//      └── unsent failure ──┘ └─ failure that may be repeated: connect again, to another endpoint if there is
//      one
//
// Anything that fails once the response has begun resets the client's connection: a truncated response never
// looks whole.
class Exchange {
 public:
  Exchange(Downstream& downstream, const Plan& plan, upstream::Connector& connector,
           std::minstd_rand& random);

  io::Task<Outcome> Run();

 private:
  enum class Step { kDone, kRetryUnsent, kRetrySent, kRetryAtOnce };

  void Prepare();
  io::Task<Step> Attempt();
  io::Task<Step> AwaitResponse();
  std::optional<Step> AppFailed(const http::Header& reason);
  io::Task<Step> RelayResponse();
  io::Task<bool> RelayInterim();
  io::Task<bool> RelayBody();
  bool GatherBody(io::Buffer& out);
  bool BadBody();
  io::Task<void> RelayUpgrade();
  io::Task<void> SendRequestBody();
  bool Keep(std::string_view& piece);
  void SendCopies();
  void BreakRequest(int status, const char* reason);
  io::Task<Step> FailResponse(io::Error error);

  // Nobody may be there any more to take the answer.
  class HangUp final : public io::Waiter {
   public:
    explicit HangUp(Exchange& exchange) : exchange_(exchange) {}
    bool Poll() override {
      exchange_.OnHangUp();
      return false;
    }

   private:
    Exchange& exchange_;
  };
  void OnHangUp();
  bool OutOfTime();
  bool Over(const protect::Held& held, const char* limit);
  bool MayRetry(bool sent);

  Step Failed(int status, std::string reason, bool unsent);
  // Ends the sending of the body before the connection goes, since it writes there.
  void DropConnection();
  // Nothing of the body is left in the client's connection, where the next request is looked for.
  bool RequestTaken() const { return request_body_.done() && sending_done_; }
  bool MayRepeatSent() const { return replayable_ && idempotent_ && retries_left_ > 0; }
  io::TimePoint TryDeadline() const { return std::min(try_deadline_, client_deadline_); }
  void Report(protect::Result result) { plan_.picker->Report(*outcome_.host, result); }
  void ReportResponse(const http::ResponseHead& response, const http::Header* reason);
  void ExtendBodyDeadline(io::Readiness& readiness, io::Duration idle = kBodyIdle);
  io::Task<void> ReplyFailure();

  Downstream& downstream_;
  const Plan& plan_;
  upstream::Connector& connector_;
  std::minstd_rand& random_;
  io::Loop& loop_;

  std::string method_;
  bool idempotent_ = false;
  bool client_is_1_0_ = false;
  bool client_keeps_alive_ = true;
  bool upgrade_ = false;
  http::BodyDecoder request_body_;
  io::Buffer request_;           // head as sent, and what has come of the body
  bool replayable_ = false;      // request_ holds all that was sent
  bool request_broken_ = false;  // the client left or broke the rules in its body
  HangUp hang_up_;
  io::TimePoint client_deadline_ = io::kNever;  // when a client that hung up is given up
  bool client_gone_ = false;

  upstream::Tried tried_;
  protect::Held retrying_;  // from the second attempt on
  std::unique_ptr<upstream::Connection> connection_;
  size_t response_head_bytes_ = 0;
  http::BodyDecoder response_body_;
  bool dechunk_ = false;
  bool from_sidecar_ = false;              // the response: its x-tulle headers can be believed
  std::optional<io::Task<void>> sending_;  // of the request body, beside the wait for the response
  bool sending_done_ = true;
  bool repeated_stale_ = false;  // once per request
  bool copied_ = false;          // to the mirrors
  bool relaying_ = false;        // the response has begun
  io::TimePoint try_deadline_ = io::kNever;
  int interims_ = 0;
  int retries_left_ = 0;
  int failure_status_ = 503;
  bool failure_unsent_ = false;
  Outcome outcome_;
};

}  // namespace tulle::sidecar::exchange
