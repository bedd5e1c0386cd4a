#pragma once

#include <string>
#include <string_view>

#include "lib/base/result.h"
#include "lib/identity/key.h"

namespace tulle::identity {

inline constexpr size_t kMaxCsrBytes = 16 << 10;

// A PKCS #10 request for this key in PEM. It claims nothing: who the asker is comes from its token.
std::string MakeCsr(const Key& key);

// The public key of a request whose signature proves that the asker holds the private key. Every name and
// extension in the request is ignored. Refuses more than kMaxCsrBytes and every key that is not P-256.
base::Result<PublicKey> ReadCsr(std::string_view pem);

}  // namespace tulle::identity
