#include "sidecar/app/course.h"

#include <algorithm>

#include "lib/http/timeout.h"
#include "sidecar/route/edit.h"

namespace tulle::sidecar::app {
namespace {

constexpr int64_t kMillion = 1000000;

}  // namespace

const config::ServicePort* Call::port() const {
  if (destination.service == nullptr) return nullptr;
  const auto found = destination.service->ports.find(original.port());
  return found == destination.service->ports.end() ? nullptr : &found->second;
}

std::string_view Call::name() const {
  if (destination.service != nullptr) return destination.service->name;
  if (destination.endpoint != nullptr) return destination.endpoint->pod;
  return "passthrough";
}

std::shared_ptr<upstream::Host> HostOf(Worker& worker, const Call& call) {
  const bool meshed = call.destination.endpoint != nullptr && !call.destination.endpoint->identity.empty() &&
                      call.original.WithPort(0) != worker.facts().pod;
  upstream::Target target{call.original, meshed ? call.destination.endpoint->identity : std::string()};
  return worker.hosts().Get(target,
                            meshed ? io::Duration(upstream::kPeerIdle) : io::Duration(upstream::kAppIdle));
}

Course::Course(Worker& worker, const Call& call, const exchange::Downstream& downstream, exchange::Plan plan,
               io::TimePoint begun)
    : worker_(worker), call_(call), downstream_(downstream), head_(downstream.head), plan_(plan) {
  const config::ServicePort* port = call.port();
  if (port == nullptr) {
    fixed_.emplace(HostOf(worker, call));
    plan_.picker = &*fixed_;
    return;
  }
  const route::RequestView view{&head_, worker.facts().workload};
  decision_ = route::Decide(port->rules, view, worker.Random64());
  Follow(*call.destination.service, begun);
}

// The rule's actions in the order in which they are documented: fault, redirect or answer, then the backend.
void Course::Follow(const config::Service& service, io::TimePoint begun) {
  if (decision_.rule == nullptr) return Answer(404, "route/no-rule", service.name);
  const meshconfig::RouteRule& rule = decision_.rule->config();
  if (rule.fault) AddFault(*rule.fault);
  if (answered_) return;
  if (rule.redirect) {
    location_ = route::Location(*rule.redirect, head_, decision_.prefix, call_.original.port());
    Answer(static_cast<int>(rule.redirect->status), "route/redirect", rule.name);
    added_ = {"location", location_};
    reply_.added = {&added_, 1};
    return;
  }
  if (rule.respond) {
    Answer(static_cast<int>(rule.respond->status), "route/respond", rule.name);
    reply_.body = &rule.respond->body;
    reply_.content_type = rule.respond->content_type;
    return;
  }
  const meshconfig::WeightedBackend* backend = decision_.backend();
  if (backend == nullptr) return Answer(500, "route/no-backend", rule.name);
  if (backend->error) {
    Answer(500, "route/no-backend", backend->source);
    reply_.detail = *backend->error;
    return;
  }
  GoTo(service, *backend, begun);
}

void Course::GoTo(const config::Service& service, const meshconfig::WeightedBackend& backend,
                  io::TimePoint begun) {
  const meshconfig::RouteRule& rule = decision_.rule->config();
  protect::Usage& usage = *service.usage;
  plan_.usage = &usage;
  plan_.limits = service.policy.limits;
  plan_.limits_source = service.policy.source;
  usage.budget.Deposit(begun);
  in_flight_ = TakeOne(worker_, service, usage.requests, plan_.limits.requests, "requests");
  if (in_flight_.refused()) return Answer(503, "limit/requests", service.policy.source);
  by_backend_.emplace(worker_, backend, service);
  plan_.picker = &*by_backend_;
  plan_.connect_timeout = service.policy.connect_timeout;
  const auto timeout = rule.timeout ? rule.timeout : service.policy.request_timeout;
  if (timeout && timeout->count() > 0) plan_.deadline = begun + *timeout;
  HandDownDeadline(begun);
  plan_.retry = rule.retry.value_or(service.policy.retry);
  EditHeads();
  if (!decision_.stuck_by.empty()) KeepClient();
  if (!rule.mirrors.empty()) AddMirrors();
}

// A client of gRPC says how long it waits; the far sidecar is told what is left, so that nobody works for a
// caller that has given up.
void Course::HandDownDeadline(io::TimePoint begun) {
  if (downstream_.grpc) {
    const http::Header* header = head_.Find(http::kGrpcTimeoutHeader);
    const auto asked = header == nullptr ? std::nullopt : http::ParseGrpcTimeout(header->value);
    if (asked) plan_.deadline = std::min(plan_.deadline, begun + *asked);
  }
  if (plan_.deadline == io::kNever) return;
  time_left_ = http::FormatTimeLeft(plan_.deadline - begun);
  told_ = {http::kTimeLeftHeader, time_left_};
  plan_.request.added = {&told_, 1};
}

void Course::EditHeads() {
  const route::Edits& of_rule = decision_.rule->edits();
  const route::Edits& of_backend = decision_.rule->edits_of(*decision_.index);
  plan_.request.edits = {of_rule.of_request(), of_backend.of_request()};
  plan_.response_edits = {of_backend.of_response(), of_rule.of_response()};
  const auto& rewrite = decision_.rule->config().rewrite;
  if (!rewrite) return;
  if (rewrite->host) plan_.request.host = *rewrite->host;
  if (!rewrite->path) return;
  target_ = route::EditTarget(*rewrite->path, head_, decision_.prefix);
  plan_.request.target = target_;
}

// A client without the cookie gets one that keeps it where it is going now.
void Course::KeepClient() {
  cookie_ = *decision_.rule->config().sticky->cookie + "=" + decision_.stuck_by + "; Path=/; HttpOnly";
  added_ = {"set-cookie", cookie_};
  plan_.response_fields = {&added_, 1};
}

void Course::AddFault(const meshconfig::Fault& fault) {
  if (fault.delay && Chance(fault.delay->percent * (kMillion / 100))) delay_ = fault.delay->duration;
  if (!fault.abort || !Chance(fault.abort->percent * (kMillion / 100))) return;
  Answer(static_cast<int>(fault.abort->status.value_or(503)), "fault/abort", decision_.rule->config().name);
  if (fault.abort->grpc_status) reply_.grpc_status = static_cast<int>(*fault.abort->grpc_status);
}

void Course::AddMirrors() {
  mirrors_.emplace(worker_.connector(), worker_.loop(), worker_.copies_in_flight());
  for (const meshconfig::Mirror& mirror : decision_.rule->config().mirrors) {
    if (mirror.backend.error || !Chance(mirror.parts_per_million)) continue;
    BackendPicker picker(worker_, mirror.backend, *call_.destination.service);
    mirrors_->Add(picker.Pick({}));
  }
  if (!mirrors_->empty()) plan_.mirrors = &*mirrors_;
}

void Course::Answer(int status, const char* word, std::string_view source) {
  answered_ = true;
  reason_ = word;
  if (!source.empty()) (reason_ += ' ') += source;
  reply_.status = status;
  reply_.reason = reason_;
  // With no body behind it the connection can take the next request.
  reply_.keep_alive = head_.keep_alive && head_.framing == http::Framing::kNone && !plan_.close_after;
  reply_.head_only = head_.method == "HEAD";
}

bool Course::Chance(int64_t parts_per_million) {
  return static_cast<int64_t>(worker_.Random64() % kMillion) < parts_per_million;
}

void Course::Describe(telemetry::Record& record) const {
  if (decision_.rule != nullptr) record.rule = decision_.rule->config().name;
  if (const auto* backend = decision_.backend(); backend != nullptr && !answered_)
    record.backend = backend->source;
}

}  // namespace tulle::sidecar::app
