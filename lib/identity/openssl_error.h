#pragma once

#include <openssl/bio.h>
#include <openssl/types.h>

#include <memory>
#include <string>
#include <string_view>

// What this room and lib/tls share about OpenSSL's C API.
namespace tulle::identity {

// OpenSSL knows the words for its errors from now on. A program may have told it not to load all of them at
// its start, and this room needs only some.
void LoadErrorWords();

// The reason of the oldest error that OpenSSL has queued for this thread; empties the queue.
std::string TakeOpensslError();

// For calls that fail only when memory or the random source does: there is nothing to go on with.
void Must(bool succeeded, const char* what);

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
};
using BioPtr = std::unique_ptr<BIO, FreeBio>;

// A read-only view of `text`, which must outlive it.
BioPtr ReadFrom(std::string_view text);
BioPtr WriteToMemory();
std::string Contents(const BioPtr& bio);

}  // namespace tulle::identity
