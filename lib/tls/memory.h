#pragma once

namespace tulle::tls {

// Has OpenSSL make do with little. It takes its memory from per-thread free lists from now on: it allocates
// several small objects and its buffers for every record. It reads no file of configuration, and loads the
// thousands of words for its errors only when the first of them is told (OpenSslErrors). To be called first
// thing in main, before OpenSSL has allocated anything.
void Prepare();

}  // namespace tulle::tls
