#include "sidecar/capture/rules.h"

#include <algorithm>
#include <set>

namespace tulle::sidecar::capture {
namespace {

constexpr std::string_view kChains[] = {"TULLE_INBOUND", "TULLE_OUTBOUND"};
constexpr std::string_view kInboundJump = "-A PREROUTING -p tcp -j TULLE_INBOUND";
constexpr std::string_view kOutboundJump = "-A OUTPUT -p tcp -j TULLE_OUTBOUND";
// Metrics and readiness: answered by the sidecar itself, in plain text, also to callers outside the mesh.
constexpr uint16_t kOwnPorts[] = {15020, 15021};

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::vector<std::string_view> Lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string_view Rtrim(std::string_view line) {
  while (!line.empty() && line.back() == ' ') line.remove_suffix(1);
  return line;
}

bool IsOwnChainLine(std::string_view line) {
  return std::any_of(std::begin(kChains), std::end(kChains), [&](std::string_view chain) {
    return line.starts_with(":" + std::string(chain) + " ");
  });
}

bool InOwnChain(std::string_view rule) {
  return std::any_of(std::begin(kChains), std::end(kChains), [&](std::string_view chain) {
    return rule.starts_with("-A " + std::string(chain) + " ");
  });
}

bool IsOwnJump(std::string_view rule) {
  if (!rule.starts_with("-A ") || InOwnChain(rule)) return false;
  return std::any_of(std::begin(kChains), std::end(kChains),
                     [&](std::string_view chain) { return Contains(rule, " -j " + std::string(chain)); });
}

std::string ReturnPort(std::string_view chain, uint16_t port) {
  return "-A " + std::string(chain) + " -p tcp -m tcp --dport " + std::to_string(port) + " -j RETURN";
}

std::string Redirect(std::string_view chain, uint16_t port) {
  return "-A " + std::string(chain) + " -p tcp -j REDIRECT --to-ports " + std::to_string(port);
}

std::set<uint16_t> InboundExclusions(const Settings& settings) {
  std::set<uint16_t> ports(std::begin(kOwnPorts), std::end(kOwnPorts));
  ports.insert(settings.exclude_inbound_ports.begin(), settings.exclude_inbound_ports.end());
  return ports;
}

void AddInbound(const Settings& settings, std::vector<std::string>& rules) {
  for (const uint16_t port : InboundExclusions(settings)) rules.push_back(ReturnPort("TULLE_INBOUND", port));
  rules.push_back(Redirect("TULLE_INBOUND", settings.inbound_port));
}

void AddOutbound(const Settings& settings, Family family, std::vector<std::string>& rules) {
  const std::string chain = "-A TULLE_OUTBOUND ";
  const std::string loopback = family == Family::kIpv4 ? "127.0.0.0/8" : "::1/128";
  // The sidecar's own connections go out as they are: this is what ends the loop.
  rules.push_back(chain + "-m owner --uid-owner " + std::to_string(settings.proxy_uid) + " -j RETURN");
  rules.push_back(chain + "-o lo -j RETURN");
  rules.push_back(chain + "-d " + loopback + " -j RETURN");

  const auto& excluded = settings.exclude_outbound_ports;
  for (const uint16_t port : std::set<uint16_t>(excluded.begin(), excluded.end())) {
    rules.push_back(ReturnPort("TULLE_OUTBOUND", port));
  }
  for (const Cidr& range : settings.exclude_outbound_cidrs) {
    if (range.family != family) continue;
    // iptables-save prints "every address" as no address at all.
    const bool everything = range.text.ends_with("/0");
    rules.push_back(chain + (everything ? "" : "-d " + range.text + " ") + "-j RETURN");
  }
  rules.push_back(Redirect("TULLE_OUTBOUND", settings.outbound_port));
}

std::string DeleteJumps(std::string_view saved) {
  std::string text;
  for (const auto line : Lines(saved)) {
    if (IsOwnJump(line)) text += "-D" + std::string(Rtrim(line).substr(2)) + "\n";
  }
  return text;
}

// The rules of one chain of the table, in order.
std::vector<std::string> InChain(const std::vector<std::string>& rules, std::string_view chain) {
  std::vector<std::string> found;
  const std::string start = "-A " + std::string(chain) + " ";
  std::copy_if(rules.begin(), rules.end(), std::back_inserter(found),
               [&](const std::string& rule) { return rule.starts_with(start); });
  return found;
}

}  // namespace

std::vector<std::string> OwnRules(const Settings& settings, Family family) {
  std::vector<std::string> rules{std::string(kInboundJump), std::string(kOutboundJump)};
  AddInbound(settings, rules);
  AddOutbound(settings, family, rules);
  return rules;
}

std::vector<std::string> FindOwnRules(std::string_view saved) {
  std::vector<std::string> rules;
  for (const auto line : Lines(saved)) {
    if (InOwnChain(line) || IsOwnJump(line)) rules.emplace_back(Rtrim(line));
  }
  return rules;
}

bool HasOwnRules(std::string_view saved) {
  const auto lines = Lines(saved);
  return std::any_of(lines.begin(), lines.end(), IsOwnChainLine) || !FindOwnRules(saved).empty();
}

std::string RestoreText(const std::vector<std::string>& rules, std::string_view saved) {
  std::string text = "*nat\n";
  // Declaring a chain that exists empties it, which is what makes a second run replace the first.
  for (const auto chain : kChains) text += ":" + std::string(chain) + " - [0:0]\n";
  text += DeleteJumps(saved);
  for (const auto& rule : rules) {
    // Jumps go first, so that no rule that was there before decides over the pod's traffic.
    text += IsOwnJump(rule) ? "-I" + rule.substr(2) : rule;
    text += "\n";
  }
  return text + "COMMIT\n";
}

std::string RemoveText(std::string_view saved) {
  std::string text = "*nat\n" + DeleteJumps(saved);
  std::string drop;
  for (const auto line : Lines(saved)) {
    if (!IsOwnChainLine(line)) continue;
    const std::string chain(line.substr(1, line.find(' ') - 1));
    text += "-F " + chain + "\n";
    drop += "-X " + chain + "\n";
  }
  return text + drop + "COMMIT\n";
}

std::string Difference(const std::vector<std::string>& wanted, const std::vector<std::string>& found) {
  for (const std::string_view chain : {"PREROUTING", "OUTPUT", "TULLE_INBOUND", "TULLE_OUTBOUND"}) {
    const auto want = InChain(wanted, chain);
    const auto have = InChain(found, chain);
    for (size_t i = 0; i < std::max(want.size(), have.size()); ++i) {
      if (i >= have.size()) return "missing '" + want[i] + "'";
      if (i >= want.size()) return "unexpected '" + have[i] + "'";
      if (want[i] != have[i]) return "wanted '" + want[i] + "' but the kernel has '" + have[i] + "'";
    }
  }
  return "";
}

}  // namespace tulle::sidecar::capture
