#include "operator/ca/issuer.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "lib/identity/certificate.h"
#include "lib/identity/csr.h"
#include "operator/ca/root.h"

namespace tulle::control::ca {
namespace {

using std::chrono::hours;
const identity::Time kNow = std::chrono::system_clock::from_time_t(1'800'000'000);

class IssuerTest : public testing::Test {
 protected:
  IssuerTest() {
    std::filesystem::create_directories(directory_);
    std::ofstream(directory_ / "tokens") << "# token namespace account pod\ngood shop web web-1\nbad shop\n";
  }
  ~IssuerTest() override { std::filesystem::remove_all(directory_); }

  const std::filesystem::path directory_ =
      std::filesystem::temp_directory_path() / ("tulle-issuer-" + std::to_string(getpid()));
  FileTokens tokens_{directory_ / "tokens"};
  Issuer issuer_{
      identity::Authority::MakeRoot("root", hours(24 * 365), kNow), tokens_, {"cluster.local", hours(24)}};
  const std::string csr_ = identity::MakeCsr(identity::Key::Generate());
};

TEST_F(IssuerTest, SignsWhatTheTokenProves) {
  auto issued = issuer_.Issue("good", csr_, kNow);
  ASSERT_TRUE(issued.ok()) << issued.failure().error;
  auto leaf = identity::ParseCertificate(issued->certificate);
  EXPECT_EQ(identity::Print(*identity::PeerIdentity(leaf->get())), "spiffe://cluster.local/ns/shop/sa/web");
  EXPECT_EQ(identity::NotAfter(leaf->get()), kNow + hours(24));
  EXPECT_EQ(issued->bundle, issuer_.bundle());
  EXPECT_EQ(issuer_.signed_count(), 1u);
}

TEST_F(IssuerTest, RefusesWithAStatusThatFits) {
  EXPECT_EQ(issuer_.Issue("foreign", csr_, kNow).failure().status, 401);
  EXPECT_EQ(issuer_.Issue("", csr_, kNow).failure().status, 401);
  EXPECT_EQ(issuer_.Issue("bad", csr_, kNow).failure().status, 401);
  EXPECT_EQ(issuer_.Issue("#", csr_, kNow).failure().status, 401);
  EXPECT_EQ(issuer_.Issue("good", "garbage", kNow).failure().status, 400);
  EXPECT_EQ(issuer_.Issue("good", std::string(1 << 20, 'A'), kNow).failure().status, 413);
  EXPECT_EQ(issuer_.Issue(std::string(1 << 20, 'A'), csr_, kNow).failure().status, 401);
  std::filesystem::remove(directory_ / "tokens");
  EXPECT_EQ(issuer_.Issue("good", csr_, kNow).failure().status, 503);
  EXPECT_EQ(issuer_.refused_count(), 8u);
}

TEST_F(IssuerTest, TheOperatorsOwnLeafHasItsIdentity) {
  const identity::Key key = identity::Key::Generate();
  auto leaf = identity::ParseCertificate(*issuer_.SignOwn(key, "tulle-system", kNow));
  EXPECT_EQ(identity::Print(*identity::PeerIdentity(leaf->get())),
            "spiffe://cluster.local/ns/tulle-system/sa/tulle-operator");
}

TEST_F(IssuerTest, ARootInADirectoryIsMadeOnce) {
  auto first = RootFromDirectory(directory_ / "ca", kNow);
  ASSERT_TRUE(first.ok()) << first.failure().what;
  auto again = RootFromDirectory(directory_ / "ca", kNow);
  ASSERT_TRUE(again.ok()) << again.failure().what;
  EXPECT_EQ(first->CertificatePem(), again->CertificatePem());
  const auto mode = std::filesystem::status(directory_ / "ca" / "ca.key").permissions();
  EXPECT_EQ(mode, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  std::ofstream(directory_ / "ca" / "ca.crt") << "garbage";
  EXPECT_FALSE(RootFromDirectory(directory_ / "ca", kNow).ok());
}

}  // namespace
}  // namespace tulle::control::ca
