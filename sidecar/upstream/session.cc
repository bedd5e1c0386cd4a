#include "sidecar/upstream/session.h"

#include "sidecar/upstream/limits.h"

namespace tulle::sidecar::upstream {

Session* Sessions::Usable() const {
  Session* best = nullptr;
  for (const auto& session : all) {
    if (session->usable() && (best == nullptr || session->streams() < best->streams())) best = session.get();
  }
  return best;
}

void Sessions::Sweep(io::TimePoint now, io::Duration idle_limit) {
  for (const auto& session : all) {
    if (session->streams() > 0) session->BusyAt(now);
    if (now - session->since() > kMaxSessionAge) session->Leave();
    const bool left = !session->usable() && session->streams() == 0;
    if (left || now - session->busy_at() > idle_limit) session->Close();
  }
  std::erase_if(all, [](const auto& session) { return session->ended(); });
}

}  // namespace tulle::sidecar::upstream
