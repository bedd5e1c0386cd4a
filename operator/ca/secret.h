#pragma once

#include <string>

#include "lib/identity/authority.h"
#include "lib/kube/client.h"

namespace tulle::control::ca {

// The root in Secret tulle-ca (ca.crt, ca.key), made on first use; the replica that is second to create it
// takes the one that is there. Fails rather than replace a Secret that it cannot read.
base::Result<identity::Authority> RootFromSecret(kube::Client& client, const std::string& ns,
                                                 identity::Time now);

// Brings ConfigMap tulle-trust-bundle (ca.crt) to `bundle`. Returns whether it had to be written.
base::Result<bool> PublishBundle(kube::Client& client, const std::string& ns, const std::string& bundle);

}  // namespace tulle::control::ca
