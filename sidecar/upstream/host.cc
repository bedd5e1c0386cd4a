#include "sidecar/upstream/host.h"

namespace tulle::sidecar::upstream {

std::unique_ptr<Connection> Host::TakeIdle() {
  while (!idle_.empty()) {
    std::unique_ptr<Connection> connection = std::move(idle_.back().connection);
    idle_.pop_back();
    // Bytes that nobody asked for are the peer's goodbye, or a message that belongs to nobody.
    const io::Readiness& readiness = connection->stream->readiness();
    if (!readiness.hung_up() && !readiness.maybe_readable() && !connection->stream->buffered()) return connection;
  }
  return nullptr;
}

void Host::PutIdle(std::unique_ptr<Connection> connection, io::TimePoint now) {
  connection->reused = true;
  connection->in.Release();
  connection->stream->readiness().SetDeadline(io::kNever);
  if (idle_.size() >= kMaxIdlePerHost) idle_.pop_front();
  idle_.push_back({std::move(connection), now});
}

void Host::CloseIdle(io::TimePoint now) {
  std::erase_if(idle_, [&](const Idle& idle) {
    return now - idle.since > idle_limit_ || idle.connection->stream->readiness().hung_up();
  });
}

std::shared_ptr<Host> Hosts::Get(const Target& target, io::Duration idle_limit) {
  std::shared_ptr<Host>& known = hosts_[{target.address, target.identity}];
  if (known == nullptr) known = std::make_shared<Host>(target, idle_limit);
  return known;
}

void Hosts::Sweep(io::TimePoint now) {
  std::erase_if(hosts_, [&](const auto& item) {
    const std::shared_ptr<Host>& host = item.second;
    host->CloseIdle(now);
    return host.use_count() == 1 && !host->has_idle();
  });
}

}  // namespace tulle::sidecar::upstream
