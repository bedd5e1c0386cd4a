#include "sidecar/upstream/outliers.h"

namespace tulle::sidecar::upstream {
namespace {

using meshconfig::OutlierDetection;
using protect::Cause;

bool StandsOut(std::span<const std::shared_ptr<Host>> hosts, const Host& host, const OutlierDetection& policy,
               io::TimePoint now) {
  if (!host.standing().Suspect(policy, now)) return false;
  protect::Tally others;
  for (const auto& other : hosts) {
    if (other.get() != &host && !other->standing().ejected()) others += other->standing().Recent(policy, now);
  }
  return host.standing().StandsOut(others, policy, now);
}

bool MayGo(std::span<const std::shared_ptr<Host>> hosts, const Host& host, const OutlierDetection& policy) {
  size_t away = 0;
  for (const auto& other : hosts) away += other.get() != &host && other->standing().ejected();
  return away < protect::MostEjected(hosts.size(), policy);
}

}  // namespace

Verdict Report(std::span<const std::shared_ptr<Host>> hosts, Host& host, protect::Result result,
               const OutlierDetection& policy, io::TimePoint now, uint32_t random) {
  protect::Standing& standing = host.standing();
  Verdict verdict{standing.Report(result, policy, now)};
  const bool failed = result != protect::Result::kSuccess;
  if (verdict.cause == Cause::kNone && failed && StandsOut(hosts, host, policy, now)) {
    verdict.cause = Cause::kSuccessRate;
  }
  if (verdict.cause == Cause::kNone) return verdict;
  verdict.ejected = policy.mode == meshconfig::Mode::kEnforce && MayGo(hosts, host, policy);
  if (verdict.ejected) {
    standing.Eject(policy, now, random);
  } else {
    standing.Spare();
  }
  return verdict;
}

}  // namespace tulle::sidecar::upstream
