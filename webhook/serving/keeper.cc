#include "webhook/serving/keeper.h"

#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>

#include "lib/base/base64.h"
#include "lib/json/lookup.h"

namespace tulle::webhook::serving {
namespace {

using Json = nlohmann::json;

constexpr const char* kSecretName = "tulle-webhook-cert";
constexpr const char* kConfigurationName = "tulle-webhook";

ServingCertificate ReadSecret(const Json& secret) {
  const Json& data = json::At(secret, "data");
  const auto text = [&data](const char* key) {
    return base::DecodeBase64(json::TextAt(data, key)).value_or("");
  };
  return {text("ca.crt"), text("tls.crt"), text("tls.key")};
}

void WriteSecret(const ServingCertificate& certificate, Json& secret) {
  secret["data"] = {{"ca.crt", base::EncodeBase64(certificate.bundle)},
                    {"tls.crt", base::EncodeBase64(certificate.certificate)},
                    {"tls.key", base::EncodeBase64(certificate.key)}};
}

Json NewSecret(const std::string& ns) {
  return {{"apiVersion", "v1"},
          {"kind", "Secret"},
          {"type", "kubernetes.io/tls"},
          {"metadata",
           {{"name", kSecretName}, {"namespace", ns}, {"labels", {{"app.kubernetes.io/part-of", "tulle"}}}}}};
}

// The JSON Patch that gives every webhook of a configuration this caBundle; empty when all have it.
Json BundlePatch(const Json& configuration, const std::string& bundle) {
  const std::string encoded = base::EncodeBase64(bundle);
  Json patch = Json::array();
  const Json::array_t& webhooks = json::ItemsAt(configuration, "webhooks");
  for (size_t i = 0; i < webhooks.size(); ++i) {
    const Json& client_config = json::At(webhooks[i], "clientConfig");
    if (!client_config.is_object() || json::TextAt(client_config, "caBundle") == encoded) continue;
    const std::string path = "/webhooks/" + std::to_string(i);
    // Guards against a list that somebody reorders between our read and our write.
    patch.push_back({{"op", "test"}, {"path", path + "/name"}, {"value", json::At(webhooks[i], "name")}});
    patch.push_back({{"op", "add"}, {"path", path + "/clientConfig/caBundle"}, {"value", encoded}});
  }
  return patch;
}

}  // namespace

CertificateKeeper::CertificateKeeper(kube::Client& client, std::string ns, std::chrono::seconds lifetime,
                                     CertificateSlot& slot)
    : client_(client),
      ns_(std::move(ns)),
      lifetime_(lifetime),
      dns_names_({"tulle-webhook." + ns_ + ".svc", "tulle-webhook." + ns_, "tulle-webhook"}),
      slot_(slot) {}

base::Result<std::chrono::seconds> CertificateKeeper::Round(Time now) {
  base::Result<ServingCertificate> agreed = Agree(now);
  if (!agreed) return agreed.failure();
  last_bundle_ = agreed->bundle;
  const base::Result<bool> announced = Announce(agreed->bundle);
  if (!announced) return announced.failure();

  if (announced_ != *agreed) announced_at_ = now;
  announced_ = *agreed;
  if (served_ == *agreed) return kRound;
  if (served_ && now - announced_at_ < kPropagation) return kPropagation;
  const base::Result<bool> installed = slot_.Install(*agreed);
  if (!installed) return installed.failure();
  served_ = *agreed;
  spdlog::info("serving certificate installed");
  return kRound;
}

// The certificate in the Secret, made or renewed by whichever replica comes first.
base::Result<ServingCertificate> CertificateKeeper::Agree(Time now) {
  constexpr int kAttempts = 3;  // each lost to another replica
  const kube::Collection secrets{"v1", "secrets", ns_};
  std::string last_error;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    kube::Client::Answer found = client_.Get(secrets, kSecretName);
    if (!found && !found.failure().not_found()) return base::Failure{found.failure().what};
    const bool exists = found.ok();
    Json secret = exists ? std::move(*found) : NewSecret(ns_);
    const ServingCertificate current = exists ? ReadSecret(secret) : ServingCertificate{};
    const std::optional<std::string> why =
        exists ? WhyRenew(current, dns_names_, now) : std::optional<std::string>("there is none");
    if (!why) return current;

    spdlog::info("making a serving certificate: {}", *why);
    const ServingCertificate made =
        MakeServingCertificate(dns_names_, lifetime_, now, current.bundle + last_bundle_);
    WriteSecret(made, secret);
    const kube::Client::Answer written =
        exists ? client_.Update(secrets, kSecretName, secret) : client_.Create(secrets, secret);
    if (written) return made;
    if (!written.failure().conflict()) return base::Failure{written.failure().what};
    last_error = written.failure().what;
  }
  return base::Failure{last_error};
}

base::Result<bool> CertificateKeeper::Announce(const std::string& bundle) {
  for (const char* plural : {"mutatingwebhookconfigurations", "validatingwebhookconfigurations"}) {
    const base::Result<bool> announced = AnnounceIn(plural, bundle);
    if (!announced) return announced.failure();
  }
  return true;
}

base::Result<bool> CertificateKeeper::AnnounceIn(const char* plural, const std::string& bundle) {
  const kube::Collection configurations{"admissionregistration.k8s.io/v1", plural};
  kube::Client::Answer configuration = client_.Get(configurations, kConfigurationName);
  if (!configuration) return base::Failure{configuration.failure().what};
  const Json patch = BundlePatch(*configuration, bundle);
  if (patch.empty()) return true;
  const kube::Client::Answer patched =
      client_.PatchObject(configurations, kConfigurationName, kube::Patch::kJson, patch);
  if (!patched) return base::Failure{patched.failure().what};
  spdlog::info("caBundle written into {}/{}", plural, kConfigurationName);
  return true;
}

}  // namespace tulle::webhook::serving
