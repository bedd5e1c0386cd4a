#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sidecar/capture/settings.h"

namespace tulle::sidecar::capture {

// The redirect rules as values: settings in, text of iptables-restore(8) out. Nothing here runs a program.
//
// Every rule is spelled exactly as iptables-save prints it, so that what was read back can be compared with
// what was wanted, line by line.

// All rules of ours in the nat table of one address family, in order: the two jumps, then the two chains.
std::vector<std::string> OwnRules(const Settings& settings, Family family);

// The rules in `saved` (output of iptables-save -t nat) that are in our chains or jump to them.
std::vector<std::string> FindOwnRules(std::string_view saved);

// True if `saved` has one of our chains or a jump to one.
bool HasOwnRules(std::string_view saved);

// Input for `iptables-restore --noflush` that replaces whatever of ours is in `saved` by `rules`, in one
// transaction, and touches nothing else.
std::string RestoreText(const std::vector<std::string>& rules, std::string_view saved);

// Input for `iptables-restore --noflush` that removes everything of ours found in `saved`.
std::string RemoveText(std::string_view saved);

// What differs between the wanted and the found rules, in one line; empty if nothing does. Order counts
// inside a chain, and jumps come before anything else in theirs.
std::string Difference(const std::vector<std::string>& wanted, const std::vector<std::string>& found);

}  // namespace tulle::sidecar::capture
