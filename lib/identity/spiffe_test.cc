#include "lib/identity/spiffe.h"

#include <gtest/gtest.h>

namespace tulle::identity {
namespace {

TEST(SpiffeId, ReadsWhatItPrints) {
  const SpiffeId id{"cluster.local", "shop", "web"};
  EXPECT_EQ(Print(id), "spiffe://cluster.local/ns/shop/sa/web");
  ASSERT_TRUE(ParseSpiffeId(Print(id)).ok());
  EXPECT_EQ(*ParseSpiffeId(Print(id)), id);
}

TEST(SpiffeId, RefusesEveryOtherForm) {
  using namespace std::string_view_literals;
  for (std::string_view text : {""sv,
                                "spiffe://"sv,
                                "spiffe://td"sv,
                                "spiffe://td/ns/a"sv,
                                "spiffe://td/ns/a/sa/"sv,
                                "spiffe://td/ns//sa/b"sv,
                                "spiffe:///ns/a/sa/b"sv,
                                "SPIFFE://td/ns/a/sa/b"sv,
                                "spiffe://TD/ns/a/sa/b"sv,
                                "spiffe://td/ns/a/sa/b/"sv,
                                "spiffe://td/ns/a/sa/b/c"sv,
                                "spiffe://td/x/ns/a/sa/b"sv,
                                "spiffe://td/ns/a/x/sa/b"sv,
                                "spiffe://td/ns/*/sa/b"sv,
                                "spiffe://td/ns/a/sa/*"sv,
                                "spiffe://td/ns/../sa/b"sv,
                                "spiffe://td/ns/./sa/b"sv,
                                "spiffe://td/ns/a%2fb/sa/c"sv,
                                "spiffe://td:80/ns/a/sa/b"sv,
                                "spiffe://u@td/ns/a/sa/b"sv,
                                "spiffe://td/ns/a/sa/b?q"sv,
                                "spiffe://td/ns/a/sa/b#f"sv,
                                "spiffe://td/ns/a/sa/b\0"sv,
                                "spiffe://td/ns/a\0/sa/b"sv,
                                "spiffe://td/ns/\xc3\xa4/sa/b"sv,
                                " spiffe://td/ns/a/sa/b"sv,
                                "spiffe://td/ns/a/sa/b\n"sv,
                                "https://td/ns/a/sa/b"sv,
                                "spiffe://td/ns/a/sa/b/ns/c/sa/d"sv}) {
    EXPECT_FALSE(ParseSpiffeId(text).ok()) << text;
  }
  EXPECT_FALSE(ParseSpiffeId("spiffe://td/ns/" + std::string(300, 'a') + "/sa/b").ok());
}

TEST(SpiffeId, QuotesGarbageSafely) {
  EXPECT_EQ(ParseSpiffeId(std::string_view("\0\n\xff", 3)).failure().what.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace tulle::identity
