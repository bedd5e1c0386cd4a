#include "lib/identity/csr.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "lib/identity/authority.h"

namespace tulle::identity {
namespace {

using std::chrono::hours;
const Time kNow = std::chrono::system_clock::from_time_t(1'800'000'000);

// A request as an attacker would make it: any key, any signer, extensions of his choice.
std::string Request(EVP_PKEY* key, EVP_PKEY* signer,
                    std::vector<std::pair<int, const char*>> extensions = {}) {
  X509_REQ* request = X509_REQ_new();
  X509_REQ_set_pubkey(request, key);
  X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(request), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("admin"), -1, -1, 0);
  STACK_OF(X509_EXTENSION)* stack = sk_X509_EXTENSION_new_null();
  for (const auto& [nid, value] : extensions) {
    sk_X509_EXTENSION_push(stack, X509V3_EXT_conf_nid(nullptr, nullptr, nid, value));
  }
  if (!extensions.empty()) X509_REQ_add_extensions(request, stack);
  sk_X509_EXTENSION_pop_free(stack, X509_EXTENSION_free);
  X509_REQ_sign(request, signer, EVP_sha256());
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509_REQ(bio, request);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string pem(data, static_cast<size_t>(size));
  BIO_free(bio);
  X509_REQ_free(request);
  return pem;
}

TEST(Csr, ReadsTheKeyThatItWasMadeFor) {
  const Key key = Key::Generate();
  base::Result<PublicKey> read = ReadCsr(MakeCsr(key));
  ASSERT_TRUE(read.ok()) << read.failure().what;
  EXPECT_EQ(EVP_PKEY_eq(read->native(), key.native()), 1);
}

TEST(Csr, ClaimsAreIgnored) {
  const Key key = Key::Generate();
  const std::string pem = Request(key.native(), key.native(),
                                  {{NID_subject_alt_name, "URI:spiffe://cluster.local/ns/bank/sa/root"},
                                   {NID_basic_constraints, "critical,CA:TRUE"},
                                   {NID_key_usage, "keyCertSign"}});
  base::Result<PublicKey> asked = ReadCsr(pem);
  ASSERT_TRUE(asked.ok()) << asked.failure().what;
  const Authority root = Authority::MakeRoot("Tulle root", hours(1), kNow);
  const Subject subject{.uris = {"spiffe://cluster.local/ns/shop/sa/web"}};
  base::Result<CertificatePtr> leaf = ParseCertificate(*root.Sign(*asked, subject, hours(1), kNow));
  ASSERT_TRUE(leaf.ok());
  EXPECT_EQ(Print(*PeerIdentity(leaf->get())), "spiffe://cluster.local/ns/shop/sa/web");
  EXPECT_EQ(X509_check_ca(leaf->get()), 0);
}

TEST(Csr, RefusesRsaAndOtherCurves) {
  EVP_PKEY* rsa = EVP_RSA_gen(2048);
  EVP_PKEY* p384 = EVP_EC_gen("P-384");
  EXPECT_EQ(ReadCsr(Request(rsa, rsa)).failure().what, "certificate request: its key is not ECDSA P-256");
  EXPECT_FALSE(ReadCsr(Request(p384, p384)).ok());
  EVP_PKEY_free(rsa);
  EVP_PKEY_free(p384);
}

TEST(Csr, RefusesASignatureByAnotherKey) {
  const Key key = Key::Generate(), other = Key::Generate();
  EXPECT_FALSE(ReadCsr(Request(key.native(), other.native())).ok());
}

TEST(Csr, RefusesWhatIsTooLongOrGarbage) {
  EXPECT_FALSE(ReadCsr(std::string(1 << 20, 'A')).ok());
  EXPECT_FALSE(ReadCsr("").ok());
  EXPECT_FALSE(ReadCsr(std::string_view()).ok());
  EXPECT_FALSE(ReadCsr(std::string("\0\xff\n", 3)).ok());
  const std::string good = MakeCsr(Key::Generate());
  for (size_t size = 0; size + 1 < good.size(); size += 7) EXPECT_FALSE(ReadCsr(good.substr(0, size)).ok());
  EXPECT_FALSE(ReadCsr(Authority::MakeRoot("x", hours(1), kNow).CertificatePem()).ok());
}

}  // namespace
}  // namespace tulle::identity
