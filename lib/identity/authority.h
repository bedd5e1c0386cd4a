#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/identity/certificate.h"
#include "lib/identity/key.h"

namespace tulle::identity {

// What a leaf says about its holder. SPIFFE leaves have exactly one URI.
struct Subject {
  std::vector<std::string> uris = {};
  std::vector<std::string> dns_names = {};
  std::vector<std::string> ip_addresses = {};
};

// A root certificate with its key: it signs leaves directly (chain length 1). Move only; signing is const and
// may be done from several threads.
class Authority {
 public:
  // A new self-signed root, valid from a minute before `now`.
  static Authority MakeRoot(const std::string& common_name, std::chrono::seconds lifetime, Time now);

  // A root as it is kept in a Secret. Refuses a certificate that is no CA or does not belong to the key.
  static base::Result<Authority> FromPem(std::string_view certificate_pem, std::string_view key_pem);

  // A leaf in PEM: CA:false, digitalSignature, client and server authentication, random serial, not before
  // now - 60 s (clocks differ; a quarter of a shorter life), never valid for longer than the root. Fails on a
  // subject without any name, a malformed IP address, and when the root itself is not valid now.
  base::Result<std::string> Sign(const PublicKey& key, const Subject& subject, std::chrono::seconds lifetime,
                                 Time now) const;

  std::string CertificatePem() const;
  std::string KeyPem() const { return key_.ToPem(); }
  Time not_after() const;
  const X509* certificate() const { return certificate_.get(); }

 private:
  Authority(Key key, CertificatePtr certificate)
      : key_(std::move(key)), certificate_(std::move(certificate)) {}

  Key key_;
  CertificatePtr certificate_;
};

}  // namespace tulle::identity
