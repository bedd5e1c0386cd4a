#pragma once

#include <cstdint>
#include <string>

namespace tulle::sidecar::app {

// What the command line and the environment say. Names and defaults are those of --help.
struct Settings {
  std::string pod_name;
  std::string pod_namespace;
  std::string pod_ip;
  std::string service_account;
  std::string workload;
  std::string node_name;
  std::string trust_domain = "cluster.local";
  std::string operator_address = "tulle-operator.tulle-system.svc:15010";
  std::string trust_bundle;  // PEM
  std::string token_file = "/var/run/secrets/tulle/token";
  std::string config_file = "/etc/tulle/config/config.json";
  std::string state_dir = "/var/run/tulle";
  std::string probes;
  std::string access_log = "errors";
  std::string log_level = "info";
  uint64_t memory_limit = 0;  // bytes
  int workers = 1;
  int outbound_port = 15001;
  int inbound_port = 15006;
  int metrics_port = 15020;
  int ready_port = 15021;
  int admin_port = 15000;
  std::string listen = "0.0.0.0";
  std::string outbound_to;  // for benchmarks: a fixed destination instead of the redirected one
  std::string inbound_to;
  std::string peer_framing = "mux";
};

}  // namespace tulle::sidecar::app
