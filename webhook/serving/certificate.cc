#include "webhook/serving/certificate.h"

#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "lib/identity/authority.h"

namespace tulle::webhook::serving {
namespace {

constexpr size_t kMaxEarlierRoots = 2;
constexpr std::chrono::hours kRootOutlivesLeaf{24};

std::string EarlierRoots(const std::string& bundle, Time now) {
  base::Result<std::vector<identity::CertificatePtr>> roots = identity::ParseBundle(bundle);
  if (!roots) return {};
  std::string text;
  size_t count = 0;
  for (const identity::CertificatePtr& root : *roots) {
    const std::string pem = identity::ToPem(root.get());
    const bool known = text.find(pem) != text.npos;
    if (known || identity::NotAfter(root.get()) <= now || count == kMaxEarlierRoots) continue;
    text += pem;
    ++count;
  }
  return text;
}

bool SignedByFirst(const std::string& bundle, X509* leaf) {
  base::Result<std::vector<identity::CertificatePtr>> roots = identity::ParseBundle(bundle);
  if (!roots) return false;
  X509* root = roots->front().get();
  return X509_check_issued(root, leaf) == X509_V_OK && X509_verify(leaf, X509_get0_pubkey(root)) == 1;
}

}  // namespace

ServingCertificate MakeServingCertificate(const std::vector<std::string>& dns_names,
                                          std::chrono::seconds lifetime, Time now,
                                          const std::string& earlier_bundle) {
  const identity::Authority root =
      identity::Authority::MakeRoot("tulle-webhook", lifetime + kRootOutlivesLeaf, now);
  const identity::Key key = identity::Key::Generate();
  const identity::Subject subject = {.dns_names = dns_names};
  base::Result<std::string> leaf = root.Sign(identity::PublicKey::Of(key), subject, lifetime, now);
  return {root.CertificatePem() + EarlierRoots(earlier_bundle, now), std::move(leaf).value(), key.ToPem()};
}

std::optional<std::string> WhyRenew(const ServingCertificate& certificate,
                                    const std::vector<std::string>& dns_names, Time now) {
  base::Result<identity::CertificatePtr> leaf = identity::ParseCertificate(certificate.certificate);
  if (!leaf) return "the certificate cannot be read: " + leaf.failure().what;
  base::Result<identity::Key> key = identity::Key::FromPem(certificate.key);
  if (!key) return "the key cannot be read: " + key.failure().what;
  if (X509_check_private_key(leaf->get(), key->native()) != 1)
    return "key and certificate do not belong together";
  if (!SignedByFirst(certificate.bundle, leaf->get())) return "its root did not sign it";
  for (const std::string& name : dns_names) {
    if (X509_check_host(leaf->get(), name.data(), name.size(), 0, nullptr) != 1)
      return "it is not for " + name;
  }
  const Time not_before = identity::NotBefore(leaf->get());
  const Time not_after = identity::NotAfter(leaf->get());
  if (now < not_before) return "it is not valid yet";
  if (now > not_after - (not_after - not_before) / 3) return "less than a third of its life is left";
  return std::nullopt;
}

}  // namespace tulle::webhook::serving
