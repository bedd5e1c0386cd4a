#pragma once

#include "sidecar/app/worker.h"

namespace tulle::sidecar::app {

// One connection of the app to somewhere, from the redirect to its end: the story of the outbound direction.
io::Task<void> ServeOutbound(Worker& worker, std::unique_ptr<io::Socket> socket, io::SocketAddress peer);

}  // namespace tulle::sidecar::app
