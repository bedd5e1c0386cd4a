#pragma once

#include <optional>
#include <string>
#include <vector>

#include "operator/compile/compile.h"
#include "operator/model/objects.h"
#include "operator/status/live.h"

namespace tulle::control::status {

// The conditions of an object. Each carries the generation that it speaks of, because that is what `kubectl
// wait` compares with the object's: the True of an earlier generation does not count there.
std::vector<model::Condition> Conditions(const compile::Verdict& verdict, const Live& live);

// What an object of a generation that nobody has looked at yet is to say: Live is False, the rest unknown.
std::vector<model::Condition> Unseen(const model::Meta& meta);

// `wanted` with its transition times: kept where the status is that of `present`, else `now`. Nothing when
// `present` says the same already.
std::optional<std::vector<model::Condition>> Changed(const std::vector<model::Condition>& present,
                                                     std::vector<model::Condition> wanted,
                                                     const std::string& now);

}  // namespace tulle::control::status
