#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "lib/meshconfig/types.h"
#include "operator/distribute/peer.h"
#include "operator/status/view.h"

namespace tulle::control::status {

// Largest document; a ConfigMap may hold 1 MiB.
inline constexpr size_t kMaxDocumentBytes = 900 << 10;

// "tulle-config-web" for "shop/web".
std::string ConfigMapName(const std::string& workload);

// What a workload's sidecars would need if every operator were gone: mesh, the workload itself, and all that
// the addresses that they have asked for lead to. Addresses that no longer fit are left out, last ones first.
std::vector<meshconfig::Resource> DocumentOf(const compile::Compiled& compiled, const std::string& workload,
                                             const std::set<std::string>& addresses);

// The documents to write, by workload. Pure. A workload is left alone while one of its sidecars that should
// be connected is not: what that one uses is unknown then, and the ConfigMap must not forget it.
std::map<std::string, std::vector<meshconfig::Resource>> WantedDocuments(
    const View& view, const std::vector<distribute::ReplicaReport>& reports);

}  // namespace tulle::control::status
