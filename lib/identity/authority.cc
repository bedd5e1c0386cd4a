#include "lib/identity/authority.h"

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "lib/identity/openssl_error.h"

namespace tulle::identity {
namespace {

// Clocks of nodes differ by seconds; a certificate that begins "now" would be refused by half of them.
constexpr std::chrono::seconds kClockSkew{60};
constexpr int kSerialBits = 159;  // RFC 5280: at most 20 octets, positive

void SetValidity(X509* certificate, Time not_before, Time not_after) {
  const auto set = [](ASN1_TIME* field, Time time) {
    Must(ASN1_TIME_set(field, std::chrono::system_clock::to_time_t(time)) != nullptr, "set a date");
  };
  set(X509_getm_notBefore(certificate), not_before);
  set(X509_getm_notAfter(certificate), not_after);
}

void SetRandomSerial(X509* certificate) {
  BIGNUM* number = BN_new();
  Must(number != nullptr && BN_rand(number, kSerialBits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1,
       "draw a serial number");
  Must(BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr, "set a serial number");
  BN_free(number);
}

// `value` is always a constant of this file: the notation would let a foreign string smuggle extensions in.
void AddExtension(X509* certificate, const X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, const_cast<X509*>(issuer), certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
  Must(extension != nullptr, "make an extension");
  Must(X509_add_ext(certificate, extension, -1) == 1, "add an extension");
  X509_EXTENSION_free(extension);
}

CertificatePtr NewCertificate(const EVP_PKEY* key) {
  CertificatePtr certificate(X509_new());
  Must(certificate != nullptr, "allocate a certificate");
  Must(X509_set_version(certificate.get(), X509_VERSION_3) == 1, "set a version");
  Must(X509_set_pubkey(certificate.get(), const_cast<EVP_PKEY*>(key)) == 1, "set a public key");
  SetRandomSerial(certificate.get());
  return certificate;
}

struct FreeNames {
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};
using NamesPtr = std::unique_ptr<GENERAL_NAMES, FreeNames>;

void AddText(GENERAL_NAMES* names, int type, const std::string& text) {
  ASN1_IA5STRING* string = ASN1_IA5STRING_new();
  Must(string != nullptr && ASN1_STRING_set(string, text.data(), static_cast<int>(text.size())) == 1,
       "set a name");
  GENERAL_NAME* name = GENERAL_NAME_new();
  Must(name != nullptr, "allocate a name");
  GENERAL_NAME_set0_value(name, type, string);
  sk_GENERAL_NAME_push(names, name);
}

base::Result<NamesPtr> NamesOf(const Subject& subject) {
  NamesPtr names(sk_GENERAL_NAME_new_null());
  Must(names != nullptr, "allocate names");
  for (const std::string& uri : subject.uris) AddText(names.get(), GEN_URI, uri);
  for (const std::string& dns : subject.dns_names) AddText(names.get(), GEN_DNS, dns);
  for (const std::string& ip : subject.ip_addresses) {
    ASN1_OCTET_STRING* address = a2i_IPADDRESS(ip.c_str());
    if (address == nullptr) return base::Failure{"certificate subject: \"" + ip + "\" is not an IP address"};
    GENERAL_NAME* name = GENERAL_NAME_new();
    Must(name != nullptr, "allocate a name");
    GENERAL_NAME_set0_value(name, GEN_IPADD, address);
    sk_GENERAL_NAME_push(names.get(), name);
  }
  if (sk_GENERAL_NAME_num(names.get()) == 0) return base::Failure{"certificate subject: it has no name"};
  return names;
}

}  // namespace

Authority Authority::MakeRoot(const std::string& common_name, std::chrono::seconds lifetime, Time now) {
  Key key = Key::Generate();
  CertificatePtr root = NewCertificate(key.native());
  X509_NAME* name = X509_get_subject_name(root.get());
  Must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                  reinterpret_cast<const unsigned char*>(common_name.data()),
                                  static_cast<int>(common_name.size()), -1, 0) == 1,
       "set a common name");
  Must(X509_set_issuer_name(root.get(), name) == 1, "set an issuer");
  SetValidity(root.get(), now - kClockSkew, now + lifetime);
  AddExtension(root.get(), root.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  AddExtension(root.get(), root.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  AddExtension(root.get(), root.get(), NID_subject_key_identifier, "hash");
  Must(X509_sign(root.get(), key.native(), EVP_sha256()) > 0, "sign a root");
  return Authority(std::move(key), std::move(root));
}

base::Result<Authority> Authority::FromPem(std::string_view certificate_pem, std::string_view key_pem) {
  base::Result<CertificatePtr> certificate = ParseCertificate(certificate_pem);
  if (!certificate.ok()) return base::Failure{"root " + certificate.failure().what};
  base::Result<Key> key = Key::FromPem(key_pem);
  if (!key.ok()) return base::Failure{"root " + key.failure().what};
  if (X509_check_ca(certificate->get()) != 1) return base::Failure{"root certificate: it is not a CA"};
  if (X509_check_private_key(certificate->get(), key->native()) != 1) {
    TakeOpensslError();
    return base::Failure{"root certificate: the private key is not its own"};
  }
  return Authority(std::move(*key), std::move(*certificate));
}

base::Result<std::string> Authority::Sign(const PublicKey& key, const Subject& subject,
                                          std::chrono::seconds lifetime, Time now) const {
  base::Result<NamesPtr> names = NamesOf(subject);
  if (!names.ok()) return names.failure();
  if (now < NotBefore(certificate_.get()) || now >= not_after()) {
    return base::Failure{"root certificate: it is not valid at this time"};
  }
  CertificatePtr leaf = NewCertificate(key.native());
  Must(X509_set_issuer_name(leaf.get(), X509_get_subject_name(certificate_.get())) == 1, "set an issuer");
  // A short life must not lie in the past for the most part, or its holder would find it due for renewal at
  // once.
  const std::chrono::seconds skew = std::min(kClockSkew, lifetime / 4);
  SetValidity(leaf.get(), now - skew, std::min<Time>(now + lifetime, not_after()));
  AddExtension(leaf.get(), certificate_.get(), NID_basic_constraints, "critical,CA:FALSE");
  AddExtension(leaf.get(), certificate_.get(), NID_key_usage, "critical,digitalSignature");
  AddExtension(leaf.get(), certificate_.get(), NID_ext_key_usage, "serverAuth,clientAuth");
  if (X509_get0_subject_key_id(certificate_.get()) != nullptr) {  // a root made elsewhere may have none
    AddExtension(leaf.get(), certificate_.get(), NID_authority_key_identifier, "keyid:always");
  }
  // Critical because the subject is empty (RFC 5280, section 4.2.1.6).
  Must(X509_add1_ext_i2d(leaf.get(), NID_subject_alt_name, names->get(), 1, X509V3_ADD_APPEND) == 1,
       "add names");
  Must(X509_sign(leaf.get(), key_.native(), EVP_sha256()) > 0, "sign a leaf");
  return ToPem(leaf.get());
}

std::string Authority::CertificatePem() const { return ToPem(certificate_.get()); }
Time Authority::not_after() const { return NotAfter(certificate_.get()); }

}  // namespace tulle::identity
