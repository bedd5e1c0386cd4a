#include "operator/watch/read_custom.h"

#include <nlohmann/json.hpp>

#include "lib/resources/parse.h"

namespace tulle::control::watch {
namespace {

template <class Spec>
model::Object Read(model::CustomKind kind, const Field& object) {
  model::Custom<Spec> custom;
  custom.meta = ReadMeta(kind, object);
  custom.meta.conditions = ReadConditions(object["status"]["conditions"]);
  base::Result<resources::Object, json::Problems> parsed = resources::ParseObject(object.raw());
  if (parsed.ok()) {
    custom.spec = std::get<Spec>(std::move(parsed->spec));
  } else {
    custom.meta.problems = parsed.failure();
  }
  return custom;
}

}  // namespace

model::Meta ReadMeta(model::CustomKind kind, const Field& object) {
  const Field metadata = object["metadata"];
  model::Meta meta;
  meta.kind = kind;
  meta.ns = metadata["namespace"].Text();
  meta.name = metadata["name"].Text();
  meta.uid = metadata["uid"].Text();
  meta.created = metadata["creationTimestamp"].Text();
  meta.generation = metadata["generation"].Number();
  return meta;
}

std::vector<model::Condition> ReadConditions(const Field& conditions) {
  std::vector<model::Condition> read;
  for (const Field& from : conditions.Items()) {
    read.push_back({from["type"].Text(), from["status"].Text(), from["reason"].Text(), from["message"].Text(),
                    from["observedGeneration"].Number(), from["lastTransitionTime"].Text()});
  }
  return read;
}

model::Object ReadCustom(model::Kind kind, const Field& object) {
  switch (kind) {
    case model::Kind::kRoute:
      return Read<resources::Route>(model::CustomKind::kRoute, object);
    case model::Kind::kSplit:
      return Read<resources::Split>(model::CustomKind::kSplit, object);
    case model::Kind::kTrafficPolicy:
      return Read<resources::TrafficPolicy>(model::CustomKind::kTrafficPolicy, object);
    default:
      return Read<resources::AccessPolicy>(model::CustomKind::kAccessPolicy, object);
  }
}

}  // namespace tulle::control::watch
