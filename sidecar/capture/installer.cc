#include "sidecar/capture/installer.h"

#include <algorithm>

#include "sidecar/capture/rules.h"

namespace tulle::sidecar::capture {
namespace {

constexpr const char* kNeedsCapability =
    "cannot write redirect rules: this process lacks the capability NET_ADMIN; give the init container "
    "securityContext.capabilities.add [NET_ADMIN, NET_RAW] and run it as root (if a policy of the namespace "
    "forbids that, label the namespace for it)";

std::string_view Name(Family family) { return family == Family::kIpv4 ? "IPv4" : "IPv6"; }
std::string_view Name(Flavour flavour) { return flavour == Flavour::kNft ? "nft" : "legacy"; }

std::string Program(Family family, Flavour flavour, std::string_view verb) {
  const std::string start = family == Family::kIpv4 ? "iptables-" : "ip6tables-";
  return start + std::string(Name(flavour)) + "-" + std::string(verb);
}

std::string OneLine(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text.empty() ? "no message" : text;
}

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::string Advice(Family family, Flavour flavour, std::string_view said) {
  if (Contains(said, "Permission denied") || Contains(said, "not permitted")) {
    return "the kernel refused: give the container NET_ADMIN and NET_RAW in the user namespace that owns its "
           "network";
  }
  const std::string version = family == Family::kIpv4 ? "" : "6";
  const std::string modules = flavour == Flavour::kNft ? "nft_chain_nat, nft_compat, xt_REDIRECT, xt_owner"
                                                       : "ip" + version + "table_nat, xt_REDIRECT, xt_owner";
  return "if the kernel lacks a part, load on the node: modprobe -a " + modules;
}

base::Failure Explain(Family family, Flavour flavour, const std::string& program, const ProgramEnd& end) {
  if (!end.started) {
    return {program + ": no such program; the image needs the package iptables (1.8 or later)"};
  }
  const std::string said = OneLine(end.err);
  return {program + " failed (exit status " + std::to_string(end.exit_status) + "): " + said + "; " +
          Advice(family, flavour, said)};
}

std::vector<Flavour> Candidates(Flavour flavour) {
  if (flavour == Flavour::kAuto) return {Flavour::kNft, Flavour::kLegacy};
  return {flavour};
}

}  // namespace

base::Result<Flavour> ParseFlavour(std::string_view text) {
  if (text == "auto") return Flavour::kAuto;
  if (text == "nft") return Flavour::kNft;
  if (text == "legacy") return Flavour::kLegacy;
  return base::Failure{"'" + std::string(text) + "' is not one of auto, nft, legacy"};
}

base::Result<Report> Installer::Install(const Settings& settings, Flavour flavour) {
  if (!system_.HasNetAdmin()) return base::Failure{kNeedsCapability};
  Report report;
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    if (family == Family::kIpv6 && !system_.HasIpv6()) {
      report.push_back("IPv6: the kernel has no AF_INET6, so there is nothing to redirect");
      continue;
    }
    auto written = InstallFamily(settings, family, flavour);
    if (!written) return written.failure();
    report.push_back(*written);
  }
  return report;
}

base::Result<std::string> Installer::InstallFamily(const Settings& settings, Family family, Flavour flavour) {
  std::string failures;
  for (const Flavour candidate : Candidates(flavour)) {
    auto written = WriteAndVerify(settings, family, candidate);
    if (!written) {
      failures += (failures.empty() ? "" : "; then ") + written.failure().what;
      continue;
    }
    // Rules of an earlier run in the other flavour would redirect by yesterday's settings.
    auto removed = RemoveFrom(family, candidate == Flavour::kNft ? Flavour::kLegacy : Flavour::kNft);
    if (!removed) return removed.failure();
    return *written + (removed->empty() ? "" : "; " + *removed);
  }
  return base::Failure{"cannot write " + std::string(Name(family)) + " redirect rules: " + failures};
}

base::Result<std::string> Installer::WriteAndVerify(const Settings& settings, Family family,
                                                    Flavour flavour) {
  // Where there is no table yet there is nothing to read; legacy would even make one.
  const bool fresh = flavour == Flavour::kLegacy && !system_.HasLegacyNat(family);
  auto before = fresh ? base::Result<std::string>(std::string()) : Save(family, flavour);
  if (!before) return before.failure();

  const auto rules = OwnRules(settings, family);
  auto restored = Restore(family, flavour, RestoreText(rules, *before));
  if (!restored) return restored.failure();
  auto after = Save(family, flavour);
  if (!after) return after.failure();
  const std::string difference = Difference(rules, FindOwnRules(*after));
  if (!difference.empty()) {
    return base::Failure{Program(family, flavour, "restore") +
                         " reported success, but reading back shows otherwise: " + difference +
                         "; something else changes the nat table of this pod"};
  }
  return std::string(Name(family)) + ": " + std::to_string(rules.size()) + " rules written and verified (" +
         std::string(Name(flavour)) + ")";
}

base::Result<Report> Installer::Remove() {
  if (!system_.HasNetAdmin()) return base::Failure{kNeedsCapability};
  Report report;
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    if (family == Family::kIpv6 && !system_.HasIpv6()) continue;
    for (const Flavour flavour : {Flavour::kNft, Flavour::kLegacy}) {
      auto removed = RemoveFrom(family, flavour);
      if (!removed) return removed.failure();
      if (!removed->empty()) report.push_back(std::string(Name(family)) + ": " + *removed);
    }
  }
  if (report.empty()) report.push_back("no rules of ours found");
  return report;
}

// What was removed in words, or nothing if there was nothing of ours.
base::Result<std::string> Installer::RemoveFrom(Family family, Flavour flavour) {
  if (flavour == Flavour::kLegacy && !system_.HasLegacyNat(family)) return std::string();
  const auto saved = Save(family, flavour);
  // A flavour that cannot even be read here cannot hold rules that an earlier run wrote here.
  if (!saved || !HasOwnRules(*saved)) return std::string();
  auto restored = Restore(family, flavour, RemoveText(*saved));
  if (!restored) return restored.failure();
  auto after = Save(family, flavour);
  if (!after) return after.failure();
  if (HasOwnRules(*after)) {
    return base::Failure{"rules of ours are still in the " + std::string(Name(flavour)) + " nat table for " +
                         std::string(Name(family)) + " after their removal"};
  }
  return "removed the " + std::string(Name(flavour)) + " rules";
}

base::Result<std::string> Installer::Save(Family family, Flavour flavour) {
  const std::string program = Program(family, flavour, "save");
  ProgramEnd end = system_.Run({program, "-t", "nat"}, "");
  if (!end.started || end.exit_status != 0) return Explain(family, flavour, program, end);
  return std::move(end.out);
}

base::Result<std::string> Installer::Restore(Family family, Flavour flavour, const std::string& text) {
  const std::string program = Program(family, flavour, "restore");
  ProgramEnd end = system_.Run({program, "--noflush", "--wait", "5"}, text);
  if (!end.started || end.exit_status != 0) return Explain(family, flavour, program, end);
  return std::move(end.out);
}

}  // namespace tulle::sidecar::capture
