#include "sidecar/app/admission.h"

#include "lib/io/loop.h"

namespace tulle::sidecar::app {
namespace {

using std::chrono::seconds;

std::string WholeSeconds(protect::Duration duration) {
  return std::to_string(std::chrono::ceil<seconds>(duration).count());
}

}  // namespace

void Admission::Adopt(const config::Workload& workload) {
  rates_.Adopt(workload.rate_limits, workers_);
  if (concurrency_config_ == workload.concurrency) return;
  concurrency_config_ = workload.concurrency;
  concurrency_ = concurrency_config_ ? std::make_shared<protect::Gradient>(*concurrency_config_) : nullptr;
}

Visit::Visit(Admission& admission, const access::Call& call, protect::TimePoint now) {
  const access::Rated rated = admission.rates_.Take(call, now);
  if (rated.shadow != nullptr) admission.probe_.Limited("rate", rated.shadow->name, true);
  if (rated.refused != nullptr) {
    admission.probe_.Limited("rate", rated.refused->name, false);
    RefuseByRate(rated);
  } else if (admission.concurrency_ != nullptr) {
    AskConcurrency(admission, call, now);
  }
}

Visit::~Visit() {
  if (gradient_ != nullptr) gradient_->End(took_, io::Clock::now());
}

// The fields of draft-ietf-httpapi-ratelimit-headers: the policy, what is left of it, and when it is whole.
void Visit::RefuseByRate(const access::Rated& rated) {
  const meshconfig::RateLimit& limit = *rated.refused;
  status_ = 429;
  reason_ = "limit/rate " + limit.name;
  const std::string name = "\"" + limit.name + "\"";
  values_ = {
      WholeSeconds(rated.grant.wait),
      name + ";q=" + std::to_string(limit.requests) + ";w=" + WholeSeconds(limit.per),
      name + ";r=" + std::to_string(rated.grant.remaining) + ";t=" + WholeSeconds(rated.grant.until_full)};
  fields_ = {http::Field{"retry-after", values_[0]}, http::Field{"ratelimit-policy", values_[1]},
             http::Field{"ratelimit", values_[2]}};
  field_count_ = 3;
}

void Visit::AskConcurrency(Admission& admission, const access::Call& call, protect::TimePoint now) {
  const http::Header* header = call.head->Find("priority");
  const auto priority = protect::PriorityOf(header != nullptr ? header->value : std::string_view());
  const meshconfig::Concurrency& config = *admission.concurrency_config_;
  const bool shadow = config.mode == meshconfig::Mode::kShadow;
  const bool fits = admission.concurrency_->Begin(priority, now);
  if (!fits) admission.probe_.Limited("concurrency", config.name, shadow);
  if (fits || shadow) {
    gradient_ = admission.concurrency_;
    return;
  }
  status_ = 503;
  reason_ = "limit/concurrency " + config.name;
  fields_[0] = {"retry-after", "1"};
  field_count_ = 1;
}

http::LocalReply Visit::reply() const {
  http::LocalReply reply;
  reply.status = status_;
  reply.reason = reason_;
  reply.added = std::span(fields_).first(field_count_);
  return reply;
}

}  // namespace tulle::sidecar::app
