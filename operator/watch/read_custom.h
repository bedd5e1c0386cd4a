#pragma once

#include "operator/model/model.h"
#include "operator/watch/field.h"

namespace tulle::control::watch {

// A custom resource of the mesh. What is wrong in its spec becomes meta.problems; what is wrong outside is a
// problem of `object`.
model::Object ReadCustom(model::Kind kind, const Field& object);

// What custom resources and routes of the Gateway API have in common.
model::Meta ReadMeta(model::CustomKind kind, const Field& object);
std::vector<model::Condition> ReadConditions(const Field& conditions);

}  // namespace tulle::control::watch
