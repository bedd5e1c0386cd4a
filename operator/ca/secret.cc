#include "operator/ca/secret.h"

#include <nlohmann/json.hpp>

#include "lib/base/base64.h"
#include "operator/ca/root.h"

namespace tulle::control::ca {
namespace {

using nlohmann::json;

constexpr const char* kSecret = "tulle-ca";
constexpr const char* kBundle = "tulle-trust-bundle";
constexpr const char* kManagedBy = "tulle.dev/managed-by";

json Metadata(const std::string& ns, const char* name) {
  return {{"name", name}, {"namespace", ns}, {"labels", {{kManagedBy, "tulle-operator"}}}};
}

base::Result<std::string> DataIn(const json& secret, const char* field) {
  const json data = secret.value("data", json::object());
  const base::Failure failure{std::string("Secret ") + kSecret + ": data." + field +
                              ": is missing or not base64"};
  if (!data.is_object() || !data.contains(field) || !data[field].is_string()) return failure;
  const auto bytes = base::DecodeBase64(data[field].get<std::string>());
  if (!bytes) return failure;
  return *bytes;
}

base::Result<identity::Authority> ReadRoot(const json& secret) {
  const base::Result<std::string> certificate = DataIn(secret, "ca.crt"), key = DataIn(secret, "ca.key");
  if (!certificate.ok()) return certificate.failure();
  if (!key.ok()) return key.failure();
  base::Result<identity::Authority> root = identity::Authority::FromPem(*certificate, *key);
  if (!root.ok()) return base::Failure{std::string("Secret ") + kSecret + ": " + root.failure().what};
  return root;
}

}  // namespace

base::Result<identity::Authority> RootFromSecret(kube::Client& client, const std::string& ns,
                                                 identity::Time now) {
  const kube::Collection secrets{"v1", "secrets", ns};
  kube::Client::Answer found = client.Get(secrets, kSecret);
  if (found.ok()) return ReadRoot(*found);
  if (!found.failure().not_found()) return base::Failure{found.failure().what};
  const identity::Authority root = identity::Authority::MakeRoot(kRootCommonName, kRootLifetime, now);
  const json secret = {{"apiVersion", "v1"},
                       {"kind", "Secret"},
                       {"type", "Opaque"},
                       {"metadata", Metadata(ns, kSecret)},
                       {"data",
                        {{"ca.crt", base::EncodeBase64(root.CertificatePem())},
                         {"ca.key", base::EncodeBase64(root.KeyPem())}}}};
  const kube::Client::Answer created = client.Create(secrets, secret);
  if (!created.ok() && !created.failure().conflict()) return base::Failure{created.failure().what};
  // What counts is what is stored, whoever stored it.
  found = client.Get(secrets, kSecret);
  if (!found.ok()) return base::Failure{found.failure().what};
  return ReadRoot(*found);
}

base::Result<bool> PublishBundle(kube::Client& client, const std::string& ns, const std::string& bundle) {
  const kube::Collection maps{"v1", "configmaps", ns};
  const kube::Client::Answer found = client.Get(maps, kBundle);
  const json data = {{"ca.crt", bundle}};
  if (found.ok() && found->value("data", json()) == data) return false;
  kube::Client::Answer written = base::Result<json, kube::ApiError>(json());
  if (found.ok()) {
    written = client.PatchObject(maps, kBundle, kube::Patch::kMerge, {{"data", data}});
  } else if (found.failure().not_found()) {
    written = client.Create(
        maps,
        {{"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", Metadata(ns, kBundle)}, {"data", data}});
  } else {
    return base::Failure{found.failure().what};
  }
  if (!written.ok() && !written.failure().conflict()) return base::Failure{written.failure().what};
  return true;
}

}  // namespace tulle::control::ca
