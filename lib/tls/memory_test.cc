#include "lib/tls/memory.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cstdio>
#include <cstdlib>

#include "lib/tls/context.h"

namespace tulle::tls {
namespace {

// What a program says of an error that it met after it began so.
[[noreturn]] void PrepareAndFail() {
  Prepare();
  ERR_clear_error();
  const bool lean = ERR_reason_error_string(ERR_PACK(ERR_LIB_SSL, 0, SSL_R_NO_SHARED_CIPHER)) == nullptr &&
                    ERR_reason_error_string(ERR_PACK(ERR_LIB_X509, 0, X509_R_KEY_VALUES_MISMATCH)) == nullptr;
  ERR_raise(ERR_LIB_SSL, SSL_R_NO_SHARED_CIPHER);
  ERR_raise(ERR_LIB_X509, X509_R_KEY_VALUES_MISMATCH);
  std::fprintf(stderr, "%s: %s\n", lean ? "lean" : "laden", OpenSslErrors().c_str());
  std::exit(0);
}

// In a process of its own, where OpenSSL has done nothing yet.
TEST(PrepareDeathTest, ErrorsHaveTheirWordsOnceTheyAreTold) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(PrepareAndFail(), testing::ExitedWithCode(0),
              "lean: .*no shared cipher.*; .*key values mismatch");
}

}  // namespace
}  // namespace tulle::tls
