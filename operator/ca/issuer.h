#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>

#include "lib/identity/authority.h"
#include "operator/ca/tokens.h"

namespace tulle::control::ca {

struct Issued {
  std::string certificate;  // PEM, the leaf
  std::string bundle;       // PEM, the roots
};

// Signs what a token proves and nothing that a request claims. Thread-safe; lives as long as those who ask.
class Issuer {
 public:
  // Longest token that is passed on for proof.
  static constexpr size_t kMaxTokenBytes = 16 << 10;

  struct Settings {
    std::string trust_domain;
    std::chrono::seconds lifetime;
  };
  Issuer(identity::Authority authority, TokenVerifier& verifier, Settings settings)
      : authority_(std::move(authority)), verifier_(verifier), settings_(std::move(settings)) {}

  // Blocks as long as the verifier does.
  base::Result<Issued, Refusal> Issue(const std::string& token, const std::string& csr, identity::Time now);

  // The operator's own leaf, with the DNS names under which sidecars know it.
  base::Result<std::string> SignOwn(const identity::Key& key, const std::string& ns,
                                    identity::Time now) const;

  std::string bundle() const { return authority_.CertificatePem(); }
  const Settings& settings() const { return settings_; }
  uint64_t signed_count() const { return signed_; }
  uint64_t refused_count() const { return refused_; }

 private:
  base::Result<Issued, Refusal> TryIssue(const std::string& token, const std::string& csr,
                                         identity::Time now);

  const identity::Authority authority_;
  TokenVerifier& verifier_;
  const Settings settings_;
  std::atomic<uint64_t> signed_ = 0;
  std::atomic<uint64_t> refused_ = 0;
};

}  // namespace tulle::control::ca
