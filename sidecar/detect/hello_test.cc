#include "sidecar/detect/hello.h"

#include <gtest/gtest.h>

namespace tulle::sidecar::detect {
namespace {

std::string Number(size_t bytes, size_t value) {
  std::string text;
  while (bytes-- > 0) text += static_cast<char>(value >> (8 * bytes));
  return text;
}

std::string Vector(size_t length_bytes, const std::string& content) {
  return Number(length_bytes, content.size()) + content;
}

std::string Alpn(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += Vector(1, name);
  return Number(2, 16) + Vector(2, Vector(2, list));
}

const std::string kOtherExtension = Number(2, 10) + Vector(2, "abcd");

// A TLS record with a ClientHello that has these extensions.
std::string ClientHello(const std::string& extensions) {
  const std::string body = Number(2, 0x303) + std::string(32, 'r') + Vector(1, "session") +
                           Vector(2, "\x13\x01") + Vector(1, std::string(1, '\0')) + Vector(2, extensions);
  return "\x16\x03\x01" + Vector(2, "\x01" + Vector(3, body));
}

// The content of one record, cut into records of so many bytes.
std::string CutUp(const std::string& record, size_t bytes) {
  std::string cut;
  for (size_t at = 5; at < record.size(); at += bytes)
    cut += "\x16\x03\x01" + Vector(2, record.substr(at, bytes));
  return cut;
}

std::string ServerName(const std::string& name, uint8_t type = 0) {
  return Number(2, 0) + Vector(2, Vector(2, Number(1, type) + Vector(2, name)));
}

Hello::Kind KindOf(const std::string& bytes) { return ReadHello(bytes).kind; }

TEST(ReadHello, FindsTheOfferedProtocolsWhereverTheyStand) {
  const std::vector<std::string> names = {"tulle/http1", "tulle/tcp", "h2"};
  for (const std::string& extensions :
       {Alpn(names), kOtherExtension + Alpn(names), Alpn(names) + kOtherExtension}) {
    const Hello hello = ReadHello(ClientHello(extensions));
    EXPECT_EQ(hello.kind, Hello::Kind::kTls);
    EXPECT_EQ(hello.alpn, names);
  }
  EXPECT_TRUE(ReadHello(ClientHello(kOtherExtension)).alpn.empty());
  EXPECT_EQ(ReadHello(ClientHello("") + "more records").kind, Hello::Kind::kTls);
}

TEST(ReadHello, WaitsForTheWholeRecord) {
  const std::string hello = ClientHello(kOtherExtension + Alpn({"h2"}));
  for (size_t bytes = 0; bytes < hello.size(); ++bytes)
    EXPECT_EQ(KindOf(hello.substr(0, bytes)), Hello::Kind::kNeedMore) << bytes;
  EXPECT_EQ(KindOf(hello), Hello::Kind::kTls);
}

TEST(ReadHello, SaysSoonThatItIsNotTls) {
  for (const std::string& bytes :
       {std::string("G"), std::string("\x15"), std::string("\x16\x02"),
        std::string("\x16\x03\x01\x00\x00", 5), std::string("\x16\x03\x01\x40\x01", 5),
        std::string("\x16\x03\x01\x01\x00\x02", 6)})
    EXPECT_EQ(KindOf(bytes), Hello::Kind::kNotTls) << bytes.size();
}

TEST(ReadHello, LengthsThatLieAreNotBelieved) {
  const auto broken = [](const std::string& extensions) {
    return KindOf(ClientHello(extensions)) == Hello::Kind::kNotTls;
  };
  EXPECT_TRUE(broken("x"));
  EXPECT_TRUE(broken(Number(2, 10) + Number(2, 9) + "short"));
  EXPECT_TRUE(broken(Number(2, 16) + Vector(2, Number(2, 9) + "\x02h2")));
  EXPECT_TRUE(broken(Number(2, 16) + Vector(2, Vector(2, "\x09h2"))));
  std::string hello = ClientHello(Alpn({"h2"}));
  hello[6] = '\xff';  // the length of the message goes beyond every limit
  EXPECT_EQ(KindOf(hello), Hello::Kind::kNotTls);
}

TEST(ReadHello, FindsWhomTheClientWants) {
  const std::string names = Alpn({"h2"});
  for (const std::string& extensions : {ServerName("db.shop"), names + ServerName("db.shop"),
                                        ServerName("db.shop") + names + kOtherExtension}) {
    const Hello hello = ReadHello(ClientHello(extensions));
    EXPECT_EQ(hello.kind, Hello::Kind::kTls);
    EXPECT_EQ(hello.server_name, "db.shop");
  }
  EXPECT_EQ(ReadHello(ClientHello(names)).server_name, "");
}

TEST(ReadHello, WhatIsNoHostNameIsNotRepeated) {
  for (const std::string& name :
       {std::string("a b"), std::string("a\"b"), std::string("a\0b", 3), std::string("\n"),
        std::string("\xff"), std::string(256, 'a'), std::string()}) {
    const Hello hello = ReadHello(ClientHello(ServerName(name) + Alpn({"h2"})));
    EXPECT_EQ(hello.kind, Hello::Kind::kTls);
    EXPECT_EQ(hello.server_name, "") << name;
    EXPECT_EQ(hello.alpn.size(), 1U);
  }
  EXPECT_EQ(ReadHello(ClientHello(ServerName(std::string(255, 'a')))).server_name.size(), 255U);
  EXPECT_EQ(ReadHello(ClientHello(ServerName("other.type", 1))).server_name, "");
  EXPECT_EQ(KindOf(ClientHello(Number(2, 0) + Vector(2, Number(2, 9) + "short"))), Hello::Kind::kNotTls);
}

TEST(ReadHello, PutsRecordsTogether) {
  const std::string whole = ClientHello(ServerName("db.shop") + Alpn({"h2"}));
  for (const size_t bytes : {1, 2, 3, 4, 5, 50}) {
    const std::string cut = CutUp(whole, bytes);
    const Hello hello = ReadHello(cut);
    EXPECT_EQ(hello.kind, Hello::Kind::kTls) << bytes;
    EXPECT_EQ(hello.server_name, "db.shop");
    for (size_t seen = 0; seen < cut.size(); ++seen)
      ASSERT_EQ(KindOf(cut.substr(0, seen)), Hello::Kind::kNeedMore) << bytes << " " << seen;
  }
  std::string other = CutUp(whole, 4);
  other[9] = '\x17';  // another record stands in between
  EXPECT_EQ(KindOf(other), Hello::Kind::kNotTls);
}

TEST(ReadHello, GivesUpOnAHelloWithoutEnd) {
  const std::string endless = CutUp(ClientHello(Number(2, 10) + Vector(2, std::string(16000, 'x'))), 1);
  EXPECT_EQ(KindOf(endless.substr(0, (16 << 10) - 1)), Hello::Kind::kNeedMore);
  EXPECT_EQ(KindOf(endless.substr(0, 16 << 10)), Hello::Kind::kNotTls);
  EXPECT_EQ(KindOf(endless), Hello::Kind::kNotTls);
}

}  // namespace
}  // namespace tulle::sidecar::detect
