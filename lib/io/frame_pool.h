#pragma once

#include <cstddef>

namespace tulle::io {

// Memory for coroutine frames: a free list per size class and thread, so that a request on the keep-alive
// path allocates nothing. A frame must be freed on the thread that allocated it, which holds because a
// coroutine lives and dies on its loop. Frames above the largest class go to the ordinary heap.
void* AllocateFrame(size_t bytes);
void FreeFrame(void* frame, size_t bytes) noexcept;

}  // namespace tulle::io
