#include "lib/meshconfig/stream.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "lib/json/parse.h"
#include "lib/json/print.h"
#include "lib/json/text.h"
#include "lib/meshconfig/digest.h"
#include "lib/meshconfig/embed.h"

namespace tulle::meshconfig {
namespace {

template <class T>
std::string Line(const char* kind, const T& body) {
  return std::string("{\"") + kind + "\":" + json::PrintText(body) + "}\n";
}

std::string UpdateLine(const Update& update) {
  std::string text = "{\"update\":{\"id\":" + std::to_string(update.id) + ",\"resources\":";
  AppendResources(text, update.resources);
  text += ",\"removed\":" + json::PrintText(update.removed) + "}}\n";
  return text;
}

template <class T>
bool Take(std::string_view text, const char* kind, std::optional<T>& out, json::Problems& problems) {
  base::Result<nlohmann::json, json::Problems> value = json::ReadText(text, kMaxMessageBytes);
  if (!value) {
    problems.push_back({kind, json::JoinProblems(value.failure())});
    return false;
  }
  base::Result<T, json::Problems> body = json::Parse<T>(*value, kind);
  if (!body) {
    problems.insert(problems.end(), body.failure().begin(), body.failure().end());
    return false;
  }
  out = std::move(*body);
  return true;
}

struct UpdateHead {
  int64_t id = 0;
  std::vector<std::string> removed;

  static constexpr auto Describe() {
    return json::Object("An update but for its resources.",
                        json::Field("id", &UpdateHead::id, "Answered by the ack.", {.required = true}),
                        json::Field("removed", &UpdateHead::removed, "Names that ceased to be."));
  }
};

bool TakeUpdate(std::string_view text, std::optional<Update>& out, json::Problems& problems) {
  base::Result<std::vector<json::RawMember>, json::Problems> members = json::SplitObject(text);
  if (!members) {
    problems.push_back({"update", json::JoinProblems(members.failure())});
    return false;
  }
  Update update;
  std::string rest = "{";
  for (const json::RawMember& member : *members) {
    if (member.key == "resources") {
      update.resources = SplitResources(member.value, "update.resources", problems);
      continue;
    }
    if (rest.size() > 1) rest += ',';
    json::AppendString(rest, member.key);
    rest += ':';
    rest += member.value;
  }
  std::optional<UpdateHead> head;
  if (!Take(rest + "}", "update", head, problems) || !problems.empty()) return false;
  update.id = head->id;
  update.removed = std::move(head->removed);
  out = std::move(update);
  return true;
}

bool TakeMember(const json::RawMember& member, Message& out, json::Problems& problems) {
  if (member.key == "hello") return Take(member.value, "hello", out.hello, problems);
  if (member.key == "subscribe") return Take(member.value, "subscribe", out.subscribe, problems);
  if (member.key == "unsubscribe") return Take(member.value, "unsubscribe", out.unsubscribe, problems);
  if (member.key == "ack") return Take(member.value, "ack", out.ack, problems);
  if (member.key == "update") return TakeUpdate(member.value, out.update, problems);
  if (member.key == "heartbeat") return Take(member.value, "heartbeat", out.heartbeat, problems);
  problems.push_back({json::Path(json::Path(""), member.key).Text(), "unknown kind of message"});
  return false;
}

}  // namespace

std::string EncodeMessage(const Message& message) {
  if (message.hello) return Line("hello", *message.hello);
  if (message.subscribe) return Line("subscribe", *message.subscribe);
  if (message.unsubscribe) return Line("unsubscribe", *message.unsubscribe);
  if (message.ack) return Line("ack", *message.ack);
  if (message.update) return UpdateLine(*message.update);
  if (message.heartbeat) return Line("heartbeat", *message.heartbeat);
  return "{}\n";
}

base::Result<Message, json::Problems> DecodeMessage(std::string_view line) {
  if (line.size() > kMaxMessageBytes) {
    return json::Problems{{"", "message of " + std::to_string(line.size()) + " bytes is longer than " +
                                   std::to_string(kMaxMessageBytes)}};
  }
  base::Result<std::vector<json::RawMember>, json::Problems> members = json::SplitObject(line);
  if (!members) return members.failure();
  if (members->size() != 1) {
    return json::Problems{{"", "a message has exactly one member, named after its kind; got " +
                                   std::to_string(members->size())}};
  }
  Message message;
  json::Problems problems;
  if (!TakeMember(members->front(), message, problems)) return problems;
  return message;
}

std::string StateHash(std::vector<Held> held) {
  std::sort(held.begin(), held.end(), [](const Held& a, const Held& b) { return a.name < b.name; });
  std::string lines;
  for (const Held& one : held) lines += one.name + " " + one.version + "\n";
  return Digest(lines);
}

}  // namespace tulle::meshconfig
