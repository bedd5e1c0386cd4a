#pragma once

namespace tulle::sidecar::overload {

// Gives back what only the start of the process needed: free memory of the allocator, and the pages of the
// program and its libraries, most of which are code that never runs again. What does comes back from the page
// cache of the node when it is touched, in microseconds. Any thread.
void LetGoOfStart();

}  // namespace tulle::sidecar::overload
