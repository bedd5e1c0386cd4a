#pragma once

#include <string_view>

#include "lib/meshconfig/types.h"

namespace tulle::control::compile {

// What a port is declared to speak: by its appProtocol, else by the first word of its name ("http-web"), else
// kDetect. HTTP/2 and what runs over it is carried as opaque TCP for now.
meshconfig::Protocol DeclaredProtocol(std::string_view app_protocol, std::string_view port_name);

// What several declarations of the same pod port come to: a contradiction leaves it to detection.
meshconfig::Protocol Agreed(meshconfig::Protocol a, meshconfig::Protocol b);

}  // namespace tulle::control::compile
