#pragma once

namespace tulle::tls {

// From now on OpenSSL takes its memory from per-thread free lists: it allocates several small objects and its
// buffers for every record. To be called first thing in main, before OpenSSL has allocated anything.
void PoolMemory();

}  // namespace tulle::tls
