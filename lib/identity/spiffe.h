#pragma once

#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace tulle::identity {

// Who a workload is: spiffe://<trust domain>/ns/<namespace>/sa/<service account>. A plain value. Parse takes
// this form and no other; it compares nothing and knows no wildcard, so equal values mean equal identities.
struct SpiffeId {
  std::string trust_domain;
  std::string ns;
  std::string service_account;

  bool operator==(const SpiffeId&) const = default;
};

// Strict: ASCII letters, digits, '.', '_' and '-' in each part (the trust domain in lower case), nothing
// empty, no "." or "..", no percent, no query, no port, at most 253 bytes a part. The text may hold any
// bytes.
base::Result<SpiffeId> ParseSpiffeId(std::string_view text);

std::string Print(const SpiffeId& id);

}  // namespace tulle::identity
