#include "operator/status/conditions.h"

#include <algorithm>

namespace tulle::control::status {
namespace {

constexpr size_t kMaxMessageBytes = 1024;

model::Condition Make(const char* type, const char* status, std::string reason, std::string message,
                      int64_t generation) {
  if (message.size() > kMaxMessageBytes) message = message.substr(0, kMaxMessageBytes - 3) + "...";
  return {type, status, std::move(reason), std::move(message), generation, ""};
}

const char* Word(bool yes) { return yes ? "True" : "False"; }

const model::Condition* Find(const std::vector<model::Condition>& conditions, const std::string& type) {
  const auto found = std::find_if(conditions.begin(), conditions.end(),
                                  [&](const model::Condition& c) { return c.type == type; });
  return found == conditions.end() ? nullptr : &*found;
}

}  // namespace

std::vector<model::Condition> Conditions(const compile::Verdict& verdict, const Live& live) {
  const int64_t generation = verdict.meta.generation;
  return {
      Make("Accepted", Word(verdict.accepted), verdict.accepted_reason, verdict.accepted_message, generation),
      Make("ResolvedRefs", Word(verdict.resolved), verdict.resolved_reason, verdict.resolved_message,
           generation),
      Make("Live", Word(live.live), live.reason, live.message, generation)};
}

std::vector<model::Condition> Unseen(const model::Meta& meta) {
  const std::string message = "generation " + std::to_string(meta.generation) + " has just been seen";
  return {Make("Accepted", "Unknown", "Pending", message, meta.generation),
          Make("ResolvedRefs", "Unknown", "Pending", message, meta.generation),
          Make("Live", "False", "Pending", message, meta.generation)};
}

std::optional<std::vector<model::Condition>> Changed(const std::vector<model::Condition>& present,
                                                     std::vector<model::Condition> wanted,
                                                     const std::string& now) {
  bool different = present.size() != wanted.size();
  for (model::Condition& condition : wanted) {
    const model::Condition* old = Find(present, condition.type);
    condition.last_transition_time =
        old != nullptr && old->status == condition.status ? old->last_transition_time : now;
    if (condition.last_transition_time.empty()) condition.last_transition_time = now;
    different |= old == nullptr || *old != condition;
  }
  if (!different) return std::nullopt;
  return wanted;
}

}  // namespace tulle::control::status
