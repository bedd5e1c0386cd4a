#include "operator/app/health.h"

#include <httplib.h>

namespace tulle::control::app {

struct Health::Server {
  httplib::Server http;
};

Health::Health(Sources sources) : sources_(std::move(sources)), server_(std::make_unique<Server>()) {}

Health::~Health() {
  server_->http.stop();
  if (thread_.joinable()) thread_.join();
}

base::Result<bool> Health::Start(const io::SocketAddress& address) {
  httplib::Server& http = server_->http;
  http.new_task_queue = [] { return new httplib::ThreadPool(16); };
  http.set_payload_max_length(1024);
  http.set_read_timeout(5);
  http.set_write_timeout(5);
  http.Get("/healthz",
           [](const httplib::Request&, httplib::Response& res) { res.set_content("ok\n", "text/plain"); });
  http.Get("/readyz", [this](const httplib::Request&, httplib::Response& res) {
    const std::string why = sources_.not_ready();
    res.status = why.empty() ? 200 : 503;
    res.set_content(why.empty() ? "ready\n" : why + "\n", "text/plain");
  });
  http.Get("/metrics", [this](const httplib::Request&, httplib::Response& res) {
    res.set_content(sources_.metrics(), "text/plain; version=0.0.4");
  });
  if (!http.bind_to_port(address.Ip(), address.port()))
    return base::Failure{"cannot listen on " + address.Text()};
  thread_ = std::thread([this] { server_->http.listen_after_bind(); });
  return true;
}

}  // namespace tulle::control::app
