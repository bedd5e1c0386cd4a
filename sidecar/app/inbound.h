#pragma once

#include "sidecar/app/worker.h"

namespace tulle::sidecar::app {

// One connection to the app, from whoever calls, from the redirect to its end: the story of the inbound
// direction.
io::Task<void> ServeInbound(Worker& worker, std::unique_ptr<io::Socket> socket, io::SocketAddress peer);

}  // namespace tulle::sidecar::app
