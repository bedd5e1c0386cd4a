#include "lib/identity/key.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>

namespace tulle::identity {
namespace {

TEST(Key, SurvivesPem) {
  const Key key = Key::Generate();
  base::Result<Key> again = Key::FromPem(key.ToPem());
  ASSERT_TRUE(again.ok()) << again.failure().what;
  EXPECT_EQ(EVP_PKEY_eq(again->native(), key.native()), 1);
}

TEST(Key, RefusesGarbageAndNeverQuotesIt) {
  const std::string secret = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n";
  base::Result<Key> read = Key::FromPem(secret);
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.failure().what.find("c2VjcmV0"), std::string::npos);
  EXPECT_FALSE(Key::FromPem("").ok());
}

}  // namespace
}  // namespace tulle::identity
