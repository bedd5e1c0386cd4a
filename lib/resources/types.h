#pragma once

#include "lib/resources/access_policy.h"
#include "lib/resources/route.h"
#include "lib/resources/traffic_policy.h"

// The custom resources of the mesh, tulle.dev/v1alpha1, as their authors write them. The CRDs and the
// reference page are printed from these types; the webhook, the operator and a directory of YAML are all read
// by the same parser.
