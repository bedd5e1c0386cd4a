#include "lib/identity/csr.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>

#include "lib/identity/openssl_error.h"

namespace tulle::identity {
namespace {

struct FreeRequest {
  void operator()(X509_REQ* request) const { X509_REQ_free(request); }
};
using RequestPtr = std::unique_ptr<X509_REQ, FreeRequest>;

base::Failure Refused(const std::string& why) { return {"certificate request: " + why}; }

}  // namespace

std::string MakeCsr(const Key& key) {
  const RequestPtr request(X509_REQ_new());
  Must(request != nullptr, "allocate a certificate request");
  Must(X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) == 1, "set the version of a request");
  Must(X509_REQ_set_pubkey(request.get(), key.native()) == 1, "set the key of a request");
  Must(X509_REQ_sign(request.get(), key.native(), EVP_sha256()) > 0, "sign a request");
  const BioPtr bio = WriteToMemory();
  Must(PEM_write_bio_X509_REQ(bio.get(), request.get()) == 1, "print a request");
  return Contents(bio);
}

base::Result<PublicKey> ReadCsr(std::string_view pem) {
  if (pem.size() > kMaxCsrBytes) {
    return Refused(std::to_string(pem.size()) + " bytes; at most " + std::to_string(kMaxCsrBytes) +
                   " are read");
  }
  const BioPtr bio = ReadFrom(pem);
  const RequestPtr request(PEM_read_bio_X509_REQ(bio.get(), nullptr, nullptr, nullptr));
  if (request == nullptr) return Refused("not a PEM certificate request: " + TakeOpensslError());
  PkeyPtr pkey(X509_REQ_get_pubkey(request.get()));
  if (pkey == nullptr) return Refused("its public key is unreadable: " + TakeOpensslError());
  // Before the signature is checked: verifying with a huge RSA key is how a stranger would burn our CPU.
  if (!IsP256(pkey.get())) return Refused("its key is not ECDSA P-256");
  if (X509_REQ_verify(request.get(), pkey.get()) != 1) {
    return Refused("its signature does not verify: " + TakeOpensslError());
  }
  return PublicKey(std::move(pkey));
}

}  // namespace tulle::identity
