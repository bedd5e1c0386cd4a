#include "lib/identity/authority.h"

#include <gtest/gtest.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "lib/identity/csr.h"

namespace tulle::identity {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

const Time kNow = std::chrono::system_clock::from_time_t(1'800'000'000);
const std::string kUri = "spiffe://cluster.local/ns/shop/sa/web";

bool ChainsTo(const X509* root, const X509* leaf, Time at) {
  X509_STORE* store = X509_STORE_new();
  X509_STORE_add_cert(store, const_cast<X509*>(root));
  X509_STORE_CTX* context = X509_STORE_CTX_new();
  X509_STORE_CTX_init(context, store, const_cast<X509*>(leaf), nullptr);
  X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(context), std::chrono::system_clock::to_time_t(at));
  X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(context), X509_V_FLAG_X509_STRICT);
  X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_CLIENT);
  const bool ok = X509_verify_cert(context) == 1;
  X509_STORE_CTX_free(context);
  X509_STORE_free(store);
  return ok;
}

CertificatePtr LeafFor(const Authority& root, const Subject& subject, seconds lifetime = hours(24)) {
  const Key key = Key::Generate();
  base::Result<std::string> pem = root.Sign(PublicKey::Of(key), subject, lifetime, kNow);
  if (!pem.ok()) return nullptr;
  return std::move(*ParseCertificate(*pem));
}

TEST(Authority, SignsALeafThatItsRootVerifies) {
  const Authority root = Authority::MakeRoot("Tulle root", hours(24 * 365), kNow);
  const CertificatePtr leaf = LeafFor(root, {.uris = {kUri}, .dns_names = {"a.b"}, .ip_addresses = {"::1"}});
  ASSERT_NE(leaf, nullptr);
  EXPECT_TRUE(ChainsTo(root.certificate(), leaf.get(), kNow));
  EXPECT_FALSE(ChainsTo(root.certificate(), leaf.get(), kNow + hours(25)));
  EXPECT_EQ(NotBefore(leaf.get()), kNow - seconds(60));
  EXPECT_EQ(NotAfter(leaf.get()), kNow + hours(24));
  EXPECT_EQ(*PeerIdentity(leaf.get()), (SpiffeId{"cluster.local", "shop", "web"}));
  EXPECT_EQ(X509_check_host(leaf.get(), "a.b", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_ip_asc(leaf.get(), "::1", 0), 1);
}

TEST(Authority, SignsNoLeafThatOutlivesTheRoot) {
  const Authority root = Authority::MakeRoot("Tulle root", hours(1), kNow);
  EXPECT_EQ(NotAfter(LeafFor(root, {.uris = {kUri}}, hours(24)).get()), root.not_after());
  const Key key = Key::Generate();
  const Subject subject{.uris = {kUri}};
  EXPECT_FALSE(root.Sign(PublicKey::Of(key), subject, hours(1), kNow + hours(2)).ok());
  EXPECT_FALSE(root.Sign(PublicKey::Of(key), subject, hours(1), kNow - hours(2)).ok());
}

TEST(Authority, DrawsADifferentSerialForEachLeaf) {
  const Authority root = Authority::MakeRoot("Tulle root", hours(1), kNow);
  const CertificatePtr one = LeafFor(root, {.uris = {kUri}}), other = LeafFor(root, {.uris = {kUri}});
  EXPECT_NE(ASN1_INTEGER_cmp(X509_get0_serialNumber(one.get()), X509_get0_serialNumber(other.get())), 0);
}

TEST(Authority, RefusesASubjectWithoutNamesOrWithAMalformedAddress) {
  const Authority root = Authority::MakeRoot("Tulle root", hours(1), kNow);
  const Key key = Key::Generate();
  EXPECT_FALSE(root.Sign(PublicKey::Of(key), {}, hours(1), kNow).ok());
  EXPECT_FALSE(root.Sign(PublicKey::Of(key), {.ip_addresses = {"300.1.1.1"}}, hours(1), kNow).ok());
}

TEST(Authority, ReadsItselfBackFromPem) {
  const Authority root = Authority::MakeRoot("Tulle root", hours(1), kNow);
  base::Result<Authority> again = Authority::FromPem(root.CertificatePem(), root.KeyPem());
  ASSERT_TRUE(again.ok()) << again.failure().what;
  EXPECT_TRUE(ChainsTo(root.certificate(), LeafFor(*again, {.uris = {kUri}}).get(), kNow));
}

TEST(Authority, RefusesAForeignKeyALeafAndGarbage) {
  const Authority root = Authority::MakeRoot("Tulle root", hours(1), kNow);
  const Authority other = Authority::MakeRoot("other", hours(1), kNow);
  EXPECT_FALSE(Authority::FromPem(root.CertificatePem(), other.KeyPem()).ok());
  const Key key = Key::Generate();
  const Subject subject{.uris = {kUri}};
  const std::string leaf = *root.Sign(PublicKey::Of(key), subject, hours(1), kNow);
  EXPECT_FALSE(Authority::FromPem(leaf, key.ToPem()).ok());
  EXPECT_FALSE(Authority::FromPem("", "").ok());
  EXPECT_FALSE(Authority::FromPem(root.CertificatePem(), "-----BEGIN PRIVATE KEY-----\nxx").ok());
}

TEST(PeerIdentity, RefusesACa) {
  EXPECT_FALSE(PeerIdentity(Authority::MakeRoot("Tulle root", hours(1), kNow).certificate()).ok());
}

TEST(PeerIdentity, WantsExactlyOneUri) {
  const Authority root = Authority::MakeRoot("Tulle root", hours(1), kNow);
  EXPECT_TRUE(PeerIdentity(LeafFor(root, {.uris = {kUri}, .dns_names = {"x"}}).get()).ok());
  EXPECT_FALSE(PeerIdentity(LeafFor(root, {.dns_names = {"x"}}).get()).ok());
  EXPECT_FALSE(PeerIdentity(LeafFor(root, {.uris = {kUri, kUri}}).get()).ok());
  EXPECT_FALSE(PeerIdentity(LeafFor(root, {.uris = {"spiffe://td/ns/*/sa/web"}}).get()).ok());
}

TEST(PeerIdentity, RefusesANulInsideTheUri) {
  const Authority root = Authority::MakeRoot("Tulle root", hours(1), kNow);
  const std::string with_nul = kUri + std::string("\0.evil", 6);
  const CertificatePtr leaf = LeafFor(root, {.uris = {with_nul}});
  ASSERT_NE(leaf, nullptr);
  EXPECT_FALSE(PeerIdentity(leaf.get()).ok());
}

TEST(PeerIdentity, RefusesALeafThatMaySignCertificates) {
  const Authority root = Authority::MakeRoot("Tulle root", hours(1), kNow);
  CertificatePtr leaf = LeafFor(root, {.uris = {kUri}});
  const int at = X509_get_ext_by_NID(leaf.get(), NID_key_usage, -1);
  X509_EXTENSION_free(X509_delete_ext(leaf.get(), at));
  ASSERT_TRUE(PeerIdentity(leaf.get()).ok());
  X509_EXTENSION* usage =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_key_usage, "digitalSignature,keyCertSign");
  X509_add_ext(leaf.get(), usage, -1);
  EXPECT_FALSE(PeerIdentity(leaf.get()).ok());
  X509_EXTENSION_free(usage);
}

TEST(Bundle, ReadsEveryRootAndRefusesATornOne) {
  const std::string one = Authority::MakeRoot("one", hours(1), kNow).CertificatePem();
  const std::string two = Authority::MakeRoot("two", hours(1), kNow).CertificatePem();
  EXPECT_EQ(ParseBundle(one + two)->size(), 2u);
  EXPECT_FALSE(ParseBundle("").ok());
  EXPECT_FALSE(ParseBundle("nothing here").ok());
  EXPECT_FALSE(ParseBundle(one + "-----BEGIN CERTIFICATE-----\nMIIB").ok());
}

}  // namespace
}  // namespace tulle::identity
