#include "lib/identity/certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <ctime>

#include "lib/identity/openssl_error.h"

namespace tulle::identity {
namespace {

constexpr int kKeyCertSignBit = 5;  // RFC 5280, section 4.2.1.3
constexpr int kAbsent = -1;         // X509_get_ext_d2i: no such extension; -2 is "more than one"

struct FreeNames {
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};

base::Failure Refused(const std::string& why) { return {"peer certificate: " + why}; }

// Whether the certificate may act as a CA, or says so in a way that cannot be read.
bool MaySignCertificates(const X509* certificate) {
  int critical = 0;
  auto* constraints = static_cast<BASIC_CONSTRAINTS*>(
      X509_get_ext_d2i(certificate, NID_basic_constraints, &critical, nullptr));
  if (constraints == nullptr && critical != kAbsent) return true;
  const bool ca = constraints != nullptr && constraints->ca != 0;
  BASIC_CONSTRAINTS_free(constraints);
  if (ca) return true;

  auto* usage =
      static_cast<ASN1_BIT_STRING*>(X509_get_ext_d2i(certificate, NID_key_usage, &critical, nullptr));
  if (usage == nullptr) return critical != kAbsent;
  const bool signs = ASN1_BIT_STRING_get_bit(usage, kKeyCertSignBit) != 0;
  ASN1_BIT_STRING_free(usage);
  return signs;
}

Time ToTime(const ASN1_TIME* asn1) {
  std::tm tm = {};
  if (ASN1_TIME_to_tm(asn1, &tm) != 1) return Time{};
  return std::chrono::system_clock::from_time_t(timegm(&tm));
}

}  // namespace

void FreeCertificate::operator()(X509* certificate) const { X509_free(certificate); }

base::Result<CertificatePtr> ParseCertificate(std::string_view pem) {
  const BioPtr bio = ReadFrom(pem);
  CertificatePtr certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  if (certificate == nullptr) return base::Failure{"certificate: " + TakeOpensslError()};
  return certificate;
}

base::Result<std::vector<CertificatePtr>> ParseBundle(std::string_view pem) {
  const BioPtr bio = ReadFrom(pem);
  std::vector<CertificatePtr> certificates;
  while (true) {
    CertificatePtr certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (certificate == nullptr) break;
    certificates.push_back(std::move(certificate));
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string error = TakeOpensslError();
  if (!at_end || certificates.empty()) return base::Failure{"trust bundle: " + error};
  return certificates;
}

std::string ToPem(const X509* certificate) {
  const BioPtr bio = WriteToMemory();
  Must(PEM_write_bio_X509(bio.get(), const_cast<X509*>(certificate)) == 1, "print a certificate");
  return Contents(bio);
}

base::Result<SpiffeId> PeerIdentity(const X509* certificate) {
  if (MaySignCertificates(certificate)) return Refused("it is a CA, not a leaf");
  int critical = 0;
  const std::unique_ptr<GENERAL_NAMES, FreeNames> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, &critical, nullptr)));
  if (names == nullptr) return Refused("it has no readable subject alternative name");
  const ASN1_IA5STRING* uri = nullptr;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_URI) continue;
    if (uri != nullptr) return Refused("it has more than one URI name");
    uri = name->d.uniformResourceIdentifier;
  }
  if (uri == nullptr) return Refused("it has no URI name");
  // The length of the ASN.1 string, not of the C string: a NUL inside is a byte like any other and refused.
  const std::string_view text(reinterpret_cast<const char*>(ASN1_STRING_get0_data(uri)),
                              static_cast<size_t>(ASN1_STRING_length(uri)));
  base::Result<SpiffeId> id = ParseSpiffeId(text);
  if (!id.ok()) return Refused(id.failure().what);
  return id;
}

Time NotBefore(const X509* certificate) { return ToTime(X509_get0_notBefore(certificate)); }
Time NotAfter(const X509* certificate) { return ToTime(X509_get0_notAfter(certificate)); }

base::Result<Time> NotAfter(std::string_view pem) {
  base::Result<CertificatePtr> certificate = ParseCertificate(pem);
  if (!certificate.ok()) return certificate.failure();
  return NotAfter(certificate->get());
}

}  // namespace tulle::identity
