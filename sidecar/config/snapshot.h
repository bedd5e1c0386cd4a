#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "lib/io/address.h"
#include "lib/meshconfig/types.h"
#include "sidecar/access/access.h"
#include "sidecar/protect/usage.h"
#include "sidecar/route/router.h"

// What the data plane obeys at one moment: mesh config, decoded and compiled. Immutable once published; a
// request keeps the snapshot that it started with. Parts that did not change are shared with the snapshot
// before.
namespace tulle::sidecar::config {

struct Endpoint {
  io::SocketAddress address;  // port 0: the port depends on the Service port that is called
  std::string pod;
  std::string identity;  // empty = plaintext
  std::vector<meshconfig::TargetPort> ports;
};

struct EndpointSet {
  std::string name;  // "shop/web?version=v2"
  std::vector<Endpoint> endpoints;
};

struct ServicePort {
  meshconfig::Protocol protocol = meshconfig::Protocol::kDetect;
  std::vector<route::Rule> rules;
};

struct Service {
  std::string name;
  meshconfig::CallPolicy policy;
  // What it gets from all workers, whatever the config says: the one part of a snapshot that changes.
  std::shared_ptr<protect::Usage> usage;
  std::map<uint16_t, ServicePort> ports;
};

// What a destination address stands for. All null: known to be none of the mesh's business.
struct Destination {
  std::shared_ptr<const Service> service;
  std::shared_ptr<const Endpoint> endpoint;
};

struct Workload {
  explicit Workload(const meshconfig::Workload& workload);

  meshconfig::Protocol ProtocolOf(uint16_t port) const;

  std::string name;
  access::Policy policy;
  std::vector<meshconfig::RateLimit> rate_limits;
  std::optional<meshconfig::Concurrency> concurrency;
  std::map<uint16_t, meshconfig::Protocol> ports;
};

struct Snapshot {
  std::shared_ptr<const meshconfig::Mesh> mesh;
  std::shared_ptr<const Workload> workload;  // null until the first config: nothing may come in
  std::unordered_map<io::SocketAddress, Destination, io::SocketAddress::Hash>
      destinations;                                                               // by address, port 0
  std::unordered_map<std::string, std::shared_ptr<const EndpointSet>> endpoints;  // by resource name
  bool operator_reachable = false;  // an answer to a new question may be expected
};

}  // namespace tulle::sidecar::config
