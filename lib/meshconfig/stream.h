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

  bool operator==(const Hello&) const = default;
  static constexpr auto Describe() {
    return json::Object(
        "Who opened the stream.",
        json::Field("pod", &Hello::pod, "namespace/name of the pod.", {.required = true}),
        json::Field("workload", &Hello::workload, "namespace/name of the workload.", {.required = true}),
        json::Field("version", &Hello::version, "Version of the sidecar."));
  }
};

struct Held {
  std::string name;
  std::string version;

  bool operator==(const Held&) const = default;
  static constexpr auto Describe() {
    return json::Object("A resource that the sidecar has.",
                        json::Field("name", &Held::name, "Name of the resource.", {.required = true}),
                        json::Field("version", &Held::version, "Its version.", {.required = true}));
  }
};

struct Subscribe {
  std::vector<std::string> names;
  std::vector<Held> held;  // of any resource, subscribed or referred to; the operator omits what is equal

  bool operator==(const Subscribe&) const = default;
  static constexpr auto Describe() {
    return json::Object("Resources wanted from now on.",
                        json::Field("names", &Subscribe::names, "Names of resources."),
                        json::Field("held", &Subscribe::held, "What is held already."));
  }
};

struct Unsubscribe {
  std::vector<std::string> names;

  bool operator==(const Unsubscribe&) const = default;
  static constexpr auto Describe() {
    return json::Object("Resources no longer wanted.",
                        json::Field("names", &Unsubscribe::names, "Names of resources."));
  }
};

struct Rejection {
  std::string name;
  std::string version;
  std::string reason;

  bool operator==(const Rejection&) const = default;
  static constexpr auto Describe() {
    return json::Object(
        "A resource that the sidecar could not take; the last good one stays in force.",
        json::Field("name", &Rejection::name, "Name of the resource.", {.required = true}),
        json::Field("version", &Rejection::version, "The version that was refused.", {.required = true}),
        json::Field("reason", &Rejection::reason, "Why.", {.required = true}));
  }
};

struct Ack {
  int64_t id = 0;
  std::vector<Rejection> rejected;

  bool operator==(const Ack&) const = default;
  static constexpr auto Describe() {
    return json::Object("An update is in force.",
                        json::Field("id", &Ack::id, "Id of the update.", {.required = true}),
                        json::Field("rejected", &Ack::rejected, "What of it is not in force."));
  }
};

// Has no table: its resources are cut out of the line instead of being parsed with it.
struct Update {
  int64_t id = 0;
  std::vector<Resource> resources;
  std::vector<std::string> removed;

  bool operator==(const Update&) const = default;
};

struct Heartbeat {
  std::string hash;

  bool operator==(const Heartbeat&) const = default;
  static constexpr auto Describe() {
    return json::Object(
        "What the sidecar should hold.",
        json::Field("hash", &Heartbeat::hash, "StateHash of all that it should hold.", {.required = true}));
  }
};

// Exactly one is set.
struct Message {
  std::optional<Hello> hello;
  std::optional<Subscribe> subscribe;
  std::optional<Unsubscribe> unsubscribe;
  std::optional<Ack> ack;
  std::optional<Update> update;
  std::optional<Heartbeat> heartbeat;

  bool operator==(const Message&) const = default;
};

// One line, newline included.
std::string EncodeMessage(const Message& message);

// `line` without its newline. Never throws; says which member is wrong. The bodies of an update are not
// looked into; one resource that is malformed around its body fails the whole message, because its sender is
// broken.
base::Result<Message, json::Problems> DecodeMessage(std::string_view line);

// The hash of a set of held resources, independent of their order: over the sorted "name version" lines.
std::string StateHash(std::vector<Held> held);

}  // namespace tulle::meshconfig
