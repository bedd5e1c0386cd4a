#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/http/head.h"
#include "lib/http/write.h"
#include "lib/meshconfig/actions.h"

// What a rule makes of a request's target and headers, as values.
namespace tulle::sidecar::route {

// The path that `edit` makes of `path`, whose leading segments `prefix` matched.
std::string EditPath(const meshconfig::PathEdit& edit, std::string_view path, std::string_view prefix);

// What the backend is asked for instead of the target of `head`: the query stays as it is.
std::string EditTarget(const meshconfig::PathEdit& edit, const http::RequestHead& head,
                       std::string_view prefix);

// The Location that a client is sent to, who asked for `head` in plain HTTP on `port`.
std::string Location(const meshconfig::Redirect& redirect, const http::RequestHead& head,
                     std::string_view prefix, uint16_t port);

// The same in the terms of the writer.
http::HeaderEdits CompileEdits(const meshconfig::HeaderEdits& edits);

}  // namespace tulle::sidecar::route
