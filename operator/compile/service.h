#pragma once

#include <map>
#include <string>

#include "lib/meshconfig/types.h"
#include "operator/compile/compile.h"
#include "operator/compile/gateway.h"
#include "operator/compile/index.h"

namespace tulle::control::compile {

// Verdicts by custom resource; made by compile before the first rule, filled by those below.
using Verdicts = std::map<const model::Meta*, Verdict>;

// A Service as its callers see it. Each port has the rules of the Gateway API's consumer routes, which are
// for callers of their namespace; the rules of the Routes in their order; and last what the Gateway API's
// producer routes say or, without them, the rule of the oldest Split or of the Service itself. A Route rule
// without backends uses those of the Split or Service.
meshconfig::Service CompileService(const Index& index, const Gateway& gateway, const model::Service& service,
                                   Verdicts& verdicts);

}  // namespace tulle::control::compile
