#include "sidecar/upstream/host.h"

#include <algorithm>

namespace tulle::sidecar::upstream {

std::unique_ptr<Connection> Host::TakeIdle(mux::Kind kind) {
  for (size_t i = idle_.size(); i-- > 0;) {
    if (idle_[i].connection->kind != kind) continue;
    std::unique_ptr<Connection> connection = std::move(idle_[i].connection);
    idle_.erase(idle_.begin() + static_cast<ptrdiff_t>(i));
    // Bytes that nobody asked for are the peer's goodbye, or a message that belongs to nobody.
    const io::Readiness& readiness = connection->stream->readiness();
    if (!readiness.hung_up() && !readiness.maybe_readable() && !connection->stream->buffered())
      return connection;
  }
  return nullptr;
}

void Host::PutIdle(std::unique_ptr<Connection> connection, io::TimePoint now) {
  if (connection->stream->readiness().hung_up()) return;
  connection->reused = true;
  connection->in.Release();
  connection->stream->readiness().SetDeadline(io::kNever);
  if (idle_.size() >= kMaxIdlePerHost) idle_.erase(idle_.begin());
  idle_.push_back({std::move(connection), now});
}

Sessions& Host::SessionsFor(mux::Kind kind, io::Loop& loop) {
  std::unique_ptr<Sessions>& sessions = sessions_[kind == mux::Kind::kTcp ? 1 : 0];
  if (sessions == nullptr) sessions = std::make_unique<Sessions>(loop);
  return *sessions;
}

void Host::Sweep(io::TimePoint now, overload::Level level) {
  const io::Duration idle_limit = overload::Shrink(idle_limit_, level);
  std::erase_if(idle_, [&](const Idle& idle) {
    return now - idle.since > idle_limit || idle.connection->stream->readiness().hung_up();
  });
  for (const auto& sessions : sessions_) {
    if (sessions != nullptr) sessions->Sweep(now, idle_limit);
  }
}

bool Host::has_connections() const {
  const auto some = [](const auto& sessions) {
    return sessions != nullptr && (sessions->dialing || !sessions->all.empty());
  };
  return !idle_.empty() || std::any_of(sessions_.begin(), sessions_.end(), some);
}

std::shared_ptr<Host> Hosts::Get(const Target& target, io::Duration idle_limit) {
  std::shared_ptr<Host>& known = hosts_[{target.address, target.identity}];
  if (known == nullptr) known = std::make_shared<Host>(target, idle_limit);
  return known;
}

void Hosts::Sweep(io::TimePoint now, overload::Level level) {
  std::erase_if(hosts_, [&](const auto& item) {
    const std::shared_ptr<Host>& host = item.second;
    host->Sweep(now, level);
    return host.use_count() == 1 && !host->has_connections();
  });
}

}  // namespace tulle::sidecar::upstream
