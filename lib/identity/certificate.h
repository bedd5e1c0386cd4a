#pragma once

#include <openssl/types.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/identity/spiffe.h"

namespace tulle::identity {

using Time = std::chrono::system_clock::time_point;

struct FreeCertificate {
  void operator()(X509* certificate) const;
};
using CertificatePtr = std::unique_ptr<X509, FreeCertificate>;

// The first certificate of the text.
base::Result<CertificatePtr> ParseCertificate(std::string_view pem);

// All certificates of a bundle; at least one.
base::Result<std::vector<CertificatePtr>> ParseBundle(std::string_view pem);

std::string ToPem(const X509* certificate);

// The identity that a peer's leaf proves, after its chain was verified. Refuses a leaf without exactly one
// URI SAN, with an embedded NUL in it, that is a CA or may sign certificates, or whose URI is no SpiffeId.
base::Result<SpiffeId> PeerIdentity(const X509* certificate);

Time NotBefore(const X509* certificate);
Time NotAfter(const X509* certificate);
base::Result<Time> NotAfter(std::string_view pem);

}  // namespace tulle::identity
