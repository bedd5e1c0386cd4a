#include "sidecar/upstream/session.h"

#include <algorithm>

#include "sidecar/upstream/limits.h"

namespace tulle::sidecar::upstream {

Session* Sessions::Usable() const {
  Session* best = nullptr;
  for (const auto& session : all) {
    if (session->usable() && (best == nullptr || session->streams() < best->streams())) best = session.get();
  }
  return best;
}

bool Sessions::opening() const {
  return std::any_of(all.begin(), all.end(), [](const auto& session) { return session->opening(); });
}

size_t Sessions::count() const {
  return static_cast<size_t>(std::count_if(all.begin(), all.end(), [](const auto& session) {
    return session->usable() || session->opening() || session->full();
  }));
}

bool Sessions::hopeful() const { return dialing || count() > 0; }

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
