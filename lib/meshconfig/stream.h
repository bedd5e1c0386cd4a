#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/json/fields.h"
#include "lib/meshconfig/types.h"

// The config stream between a sidecar and an operator replica: after the upgrade to tulle-config/1 each side
// sends JSON messages, one a line. A message has exactly one member, named after its kind.
//
//   sidecar -> operator   hello      once, first: who this is
//                         subscribe  names wanted from now on, with the versions that are held already
//                         unsubscribe names no longer wanted
//                         ack        update `id` is in force, but for `rejected`
//   operator -> sidecar   update     resources that changed or are new to this sidecar, and names that ceased
//   to be;
//                                    one is sent at a time: the next only after the ack of the last
//                         heartbeat  hash over all that this sidecar should hold now (see StateHash); on a
//                                    difference the sidecar closes the stream and starts anew with what it
//                                    has
//
// A subscription covers what the named resource refers to: address -> service -> endpoints. The operator
// sends the closure in one update, so a sidecar is never left with half a Service.
namespace tulle::meshconfig {

inline constexpr size_t kMaxMessageBytes = 16 << 20;
inline constexpr std::string_view kUpgradeProtocol = "tulle-config/1";

struct Hello {
  std::string pod;       // "shop/web-1"
  std::string workload;  // "shop/web"
  std::string version;   // of the sidecar
};

struct Held {
  std::string name;
  std::string version;
};

struct Subscribe {
  std::vector<std::string> names;
  std::vector<Held> held;  // of any resource, subscribed or referred to; the operator omits what is equal
};

struct Unsubscribe {
  std::vector<std::string> names;
};

struct Rejection {
  std::string name;
  std::string version;
  std::string reason;
};

struct Ack {
  int64_t id = 0;
  std::vector<Rejection> rejected;
};

struct Update {
  int64_t id = 0;
  std::vector<Resource> resources;
  std::vector<std::string> removed;
};

struct Heartbeat {
  std::string hash;
};

// Exactly one is set.
struct Message {
  std::optional<Hello> hello;
  std::optional<Subscribe> subscribe;
  std::optional<Unsubscribe> unsubscribe;
  std::optional<Ack> ack;
  std::optional<Update> update;
  std::optional<Heartbeat> heartbeat;
};

// One line, newline included.
std::string EncodeMessage(const Message& message);

// `line` without its newline. Never throws; says which member is wrong.
base::Result<Message, json::Problems> DecodeMessage(std::string_view line);

// The hash of a set of held resources, independent of their order: over the sorted "name version" lines.
std::string StateHash(std::vector<Held> held);

}  // namespace tulle::meshconfig
