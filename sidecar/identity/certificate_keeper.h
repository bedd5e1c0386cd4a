#pragma once

#include <functional>
#include <memory>
#include <random>
#include <string>

#include "lib/identity/certificate.h"
#include "lib/identity/key.h"
#include "lib/io/event.h"
#include "sidecar/identity/operator_link.h"
#include "sidecar/identity/state_dir.h"

namespace tulle::sidecar::identity {

// Our key with the certificate for it and the roots that go with them.
struct Certified {
  std::shared_ptr<const ::tulle::identity::Key> key;
  std::string certificate;  // PEM
  std::string roots;        // PEM
  std::string identity;     // SPIFFE id
};

// Gets a certificate, keeps it fresh, and says so. Lives on the control loop. The key is made here and never
// leaves the process but to a directory in memory, so that a restarted container needs no operator.
class CertificateKeeper {
 public:
  struct Options {
    OperatorAddress address;
    std::string roots;       // PEM, to verify the operator with before anything else is known
    std::string token_file;  // service account token, audience tulle; read anew each time
  };
  // `publish` is called on the loop for each certificate, a kept one first.
  CertificateKeeper(io::Loop& loop, Options options, const StateDir& state,
                    std::function<void(const Certified&)> publish);

  // Until the loop ends.
  io::Task<void> Run();

  // The roots to trust from now on (from mesh config); empty keeps the present ones.
  void SetRoots(const std::string& roots);

  // Why there is no certificate, for readiness; empty when there is one.
  const std::string& problem() const { return problem_; }

 private:
  bool LoadKept();
  io::Task<base::Result<Certified>> Request();
  base::Result<Certified> Check(const ::tulle::identity::Key& key, std::string certificate,
                                std::string roots) const;
  void Adopt(Certified certified);
  std::chrono::system_clock::time_point RenewAt();

  io::Loop& loop_;
  Options options_;
  const StateDir& state_;
  std::function<void(const Certified&)> publish_;
  std::minstd_rand random_;
  Certified current_;
  std::string problem_ = "identity/no-certificate: not asked yet";
};

}  // namespace tulle::sidecar::identity
