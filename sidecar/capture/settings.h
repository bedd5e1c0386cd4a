#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"

namespace tulle::sidecar::capture {

enum class Family { kIpv4, kIpv6 };

// An address range, `text` in the spelling of iptables-save: host bits cleared, prefix length always there.
struct Cidr {
  Family family;
  std::string text;

  bool operator==(const Cidr&) const = default;
};

// What to redirect in one network namespace, and what to leave alone. Plain values; the defaults are the
// ports of the sidecar.
struct Settings {
  uint16_t inbound_port = 15006;
  uint16_t outbound_port = 15001;
  uid_t proxy_uid = 1337;
  std::vector<uint16_t> exclude_inbound_ports;
  std::vector<uint16_t> exclude_outbound_ports;
  std::vector<Cidr> exclude_outbound_cidrs;
};

// Readers of flag values. Lists are separated by commas, spaces around items are ignored, and an empty list
// is a list. A failure names the value; the caller knows the flag.
base::Result<uint16_t> ParsePort(std::string_view text);
base::Result<uid_t> ParseUid(std::string_view text);
base::Result<std::vector<uint16_t>> ParsePorts(std::string_view text);
base::Result<Cidr> ParseCidr(std::string_view text);
base::Result<std::vector<Cidr>> ParseCidrs(std::string_view text);

}  // namespace tulle::sidecar::capture
