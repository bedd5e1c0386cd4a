#pragma once

#include <nghttp2/nghttp2.h>

namespace tulle::http2 {

// Lets nghttp2 take its memory from the free lists of coroutine frames (lib/io/frame_pool.h), so that a
// request costs no malloc. What is made with it stays on its thread.
nghttp2_mem* PooledMemory();

}  // namespace tulle::http2
