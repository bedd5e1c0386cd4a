#pragma once

#include <nghttp2/nghttp2.h>

namespace tulle::http2 {

class Session;

// An nghttp2 session that tells `session` what happens, with the options that ours have in common. The caller
// deletes it.
nghttp2_session* MakeNghttp2(Session& session, bool client);

}  // namespace tulle::http2
