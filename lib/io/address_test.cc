#include "lib/io/address.h"

#include <gtest/gtest.h>

namespace tulle::io {
namespace {

TEST(SocketAddress, IsPrintedAsItIsRead) {
  for (const char* text : {"1.2.3.4:80", "[::1]:65535", "[fd00::a]:0"})
    EXPECT_EQ(SocketAddress::ParseWithPort(text)->Text(), text);
  EXPECT_EQ(SocketAddress::Parse("::1", 7)->Text(), "[::1]:7");
}

TEST(SocketAddress, WhatIsNoAddressIsNone) {
  for (const char* text :
       {"", "1.2.3.4", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:-1", "1.2.3.4:80x", "[1.2.3.4]:80", "::1:80",
        "[::1]", "host:80", "1.2.3:80", "[::1]x:80", "01.2.3.4:80"})
    EXPECT_FALSE(SocketAddress::ParseWithPort(text).has_value()) << text;
}

TEST(SocketAddress, MappedIpv4IsIpv4) {
  const auto mapped = SocketAddress::Parse("::ffff:10.0.0.1", 80);
  EXPECT_EQ(mapped, SocketAddress::Parse("10.0.0.1", 80));
  EXPECT_EQ(SocketAddress::Hash()(*mapped), SocketAddress::Hash()(*SocketAddress::Parse("10.0.0.1", 80)));
  EXPECT_FALSE(mapped->is_v6());
}

TEST(SocketAddress, LoopbackIsKnownInBothFamilies) {
  EXPECT_TRUE(SocketAddress::Parse("127.8.9.1", 0)->IsLoopback());
  EXPECT_TRUE(SocketAddress::Parse("::1", 0)->IsLoopback());
  EXPECT_TRUE(SocketAddress::Parse("::ffff:127.0.0.1", 0)->IsLoopback());
  EXPECT_FALSE(SocketAddress::Parse("128.0.0.1", 0)->IsLoopback());
  EXPECT_FALSE(SocketAddress::Parse("::2", 0)->IsLoopback());
}

TEST(SocketAddress, SurvivesTheKernelsForm) {
  for (const char* text : {"1.2.3.4:80", "[fd00::a]:443"}) {
    const SocketAddress address = *SocketAddress::ParseWithPort(text);
    sockaddr_storage storage;
    address.Fill(storage);
    EXPECT_EQ(SocketAddress::From(storage), address);
    EXPECT_NE(address.WithPort(1), address);
  }
}

}  // namespace
}  // namespace tulle::io
