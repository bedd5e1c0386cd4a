#include "webhook/serving/server.h"

#include <httplib.h>
#include <spdlog/spdlog.h>

#include <charconv>
#include <cstring>
#include <mutex>
#include <thread>

#include "webhook/admission/answer.h"
#include "webhook/admission/review.h"

namespace tulle::webhook::serving {
namespace {

constexpr size_t kThreads = 64;
constexpr time_t kIoTimeoutSeconds = 5;
constexpr size_t kMaxLoggedMessage = 512;

// Counts by endpoint and verdict. The series of a registry have one writer each, the threads of httplib are
// many.
class Probe {
 public:
  explicit Probe(telemetry::Registry& registry) : registry_(registry) {}

  void Count(const char* path, admission::Verdict verdict, std::chrono::nanoseconds took) {
    const std::lock_guard lock(mutex_);
    registry_
        .GetCounter("tulle_webhook_reviews_total", "Admission reviews answered.",
                    {{"path", path}, {"verdict", admission::Name(verdict)}})
        .Add();
    registry_
        .GetHistogram("tulle_webhook_review_seconds", "Time to answer an admission review.", {{"path", path}})
        .Observe(took);
  }

 private:
  telemetry::Registry& registry_;
  std::mutex mutex_;
};

void Log(const char* path, const admission::Answer& answer) {
  const std::string message = answer.message.substr(0, kMaxLoggedMessage);
  const bool refused =
      answer.verdict == admission::Verdict::kDenied || answer.verdict == admission::Verdict::kMalformed;
  if (refused) {
    spdlog::warn("{} {}: {}", path, admission::Name(answer.verdict), message);
  } else {
    spdlog::debug("{} {}: {}", path, admission::Name(answer.verdict), message);
  }
}

httplib::Server::Handler Handle(const char* path, std::shared_ptr<Probe> probe,
                                std::function<admission::Answer(const std::string&)> decide) {
  return [path, probe = std::move(probe), decide = std::move(decide)](const httplib::Request& request,
                                                                      httplib::Response& response) {
    const auto start = std::chrono::steady_clock::now();
    const admission::Answer answer = decide(request.body);
    response.status = answer.status;
    response.set_content(answer.body, answer.status == 200 ? "application/json" : "text/plain");
    probe->Count(path, answer.verdict, std::chrono::steady_clock::now() - start);
    Log(path, answer);
  };
}

int Bind(httplib::Server& server, const std::string& host, int port) {
  if (port == 0) return server.bind_to_any_port(host.c_str());
  return server.bind_to_port(host.c_str(), port) ? port : -1;
}

void SetLimits(httplib::Server& server, size_t max_body) {
  server.set_payload_max_length(max_body);
  server.set_read_timeout(kIoTimeoutSeconds);
  server.set_write_timeout(kIoTimeoutSeconds);
  server.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
}

// The server bounds a body by its Content-Length alone: what has none, or is longer once it is unpacked,
// would be taken without bound, so that it is refused before a byte of it is read.
httplib::Server::HandlerResponse RefuseUnbounded(const httplib::Request& request,
                                                 httplib::Response& response) {
  const auto refuse = [&response](int status, const char* why) {
    response.status = status;
    response.set_content(why, "text/plain");
    return httplib::Server::HandlerResponse::Handled;
  };
  if (request.method != "POST") return httplib::Server::HandlerResponse::Unhandled;
  if (!request.has_header("Content-Length")) return refuse(411, "a Content-Length is required\n");
  if (request.has_header("Transfer-Encoding") || request.has_header("Content-Encoding")) {
    return refuse(415, "encoded bodies are not taken\n");
  }
  const std::string type = request.get_header_value("Content-Type");
  if (!type.starts_with("application/json")) return refuse(415, "Content-Type must be application/json\n");
  return httplib::Server::HandlerResponse::Unhandled;
}

}  // namespace

struct Listener::Running {
  std::unique_ptr<httplib::Server> server;
  std::string name;
  std::thread thread = {};
};

Listener Listener::Admission(CertificateSlot& slot, SettingsSource settings, telemetry::Registry& registry) {
  auto server = std::make_unique<httplib::SSLServer>([&slot](SSL_CTX& context) {
    slot.Attach(context);
    return true;
  });
  SetLimits(*server, admission::kMaxReviewBytes);
  server->set_pre_routing_handler(RefuseUnbounded);
  auto probe = std::make_shared<Probe>(registry);
  server->Post("/mutate", Handle("/mutate", probe, [settings = std::move(settings)](const std::string& body) {
                 return admission::Mutate(body, settings());
               }));
  server->Post("/validate",
               Handle("/validate", probe, [](const std::string& body) { return admission::Validate(body); }));
  return Listener(std::make_unique<Running>(Running{std::move(server), "admission"}));
}

Listener Listener::Health(Readiness readiness, telemetry::Registry& registry) {
  auto server = std::make_unique<httplib::Server>();
  SetLimits(*server, 1024);
  server->Get("/healthz", [](const httplib::Request&, httplib::Response& response) {
    response.set_content("ok\n", "text/plain");
  });
  server->Get("/readyz",
              [readiness = std::move(readiness)](const httplib::Request&, httplib::Response& response) {
                const std::string why_not = readiness();
                response.status = why_not.empty() ? 200 : 503;
                response.set_content(why_not.empty() ? "ready\n" : why_not + "\n", "text/plain");
              });
  server->Get("/metrics", [&registry](const httplib::Request&, httplib::Response& response) {
    response.set_content(registry.Scrape(), "text/plain; version=0.0.4");
  });
  return Listener(std::make_unique<Running>(Running{std::move(server), "health"}));
}

Listener::Listener(std::unique_ptr<Running> running) : running_(std::move(running)) {}
Listener::Listener(Listener&&) noexcept = default;
Listener::~Listener() { Stop(); }

base::Result<int> Listener::Start(const std::string& address) {
  const auto failure = [&](const std::string& why) {
    return base::Failure{running_->name + ": cannot listen on \"" + address + "\": " + why};
  };
  const size_t colon = address.rfind(':');
  int port = -1;
  if (colon != address.npos) {
    const auto [end, error] =
        std::from_chars(address.data() + colon + 1, address.data() + address.size(), port);
    if (error != std::errc() || end != address.data() + address.size()) port = -1;
  }
  if (port < 0 || port > 65535) return failure("expected host:port");
  httplib::Server& server = *running_->server;
  if (!server.is_valid()) return failure("TLS cannot be set up");
  const std::string host = address.substr(0, colon);
  int bound = Bind(server, host.empty() ? "::" : host, port);
  if (bound < 0 && host.empty()) bound = Bind(server, "0.0.0.0", port);  // a node without IPv6
  if (bound < 0) return failure(std::strerror(errno));
  running_->thread = std::thread([&server] { server.listen_after_bind(); });
  // stop() does nothing to a server that has not begun yet.
  while (!server.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return bound;
}

void Listener::Stop() {
  if (running_ == nullptr || !running_->thread.joinable()) return;
  running_->server->stop();
  running_->thread.join();
}

}  // namespace tulle::webhook::serving
