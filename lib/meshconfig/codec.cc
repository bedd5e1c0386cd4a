#include "lib/meshconfig/codec.h"

#include <nlohmann/json.hpp>

#include "lib/json/parse.h"
#include "lib/json/print.h"
#include "lib/json/text.h"
#include "lib/meshconfig/digest.h"
#include "lib/meshconfig/embed.h"

namespace tulle::meshconfig {
namespace {

template <class T>
base::Result<T, json::Problems> Decode(std::string_view text) {
  base::Result<nlohmann::json, json::Problems> value = json::ReadText(text);
  if (!value) return value.failure();
  return json::Parse<T>(*value);
}

}  // namespace

std::string Encode(const Mesh& mesh) { return json::PrintText(mesh); }
std::string Encode(const Workload& workload) { return json::PrintText(workload); }
std::string Encode(const Address& address) { return json::PrintText(address); }
std::string Encode(const Service& service) { return json::PrintText(service); }
std::string Encode(const Endpoints& endpoints) { return json::PrintText(endpoints); }

base::Result<Mesh, json::Problems> DecodeMesh(std::string_view text) { return Decode<Mesh>(text); }
base::Result<Workload, json::Problems> DecodeWorkload(std::string_view text) {
  return Decode<Workload>(text);
}
base::Result<Address, json::Problems> DecodeAddress(std::string_view text) { return Decode<Address>(text); }
base::Result<Service, json::Problems> DecodeService(std::string_view text) { return Decode<Service>(text); }
base::Result<Endpoints, json::Problems> DecodeEndpoints(std::string_view text) {
  return Decode<Endpoints>(text);
}

Resource MakeResource(std::string name, std::string body) {
  std::string version = Digest(body);
  return {std::move(name), std::move(version), std::move(body)};
}

std::string EncodeDocument(const std::vector<Resource>& resources) {
  std::string text = "{\"format\":";
  json::AppendString(text, kDocumentFormat);
  text += ",\"resources\":";
  AppendResources(text, resources);
  text += '}';
  return text;
}

base::Result<std::vector<Resource>, json::Problems> DecodeDocument(std::string_view text,
                                                                   json::Problems* left_out) {
  base::Result<std::vector<json::RawMember>, json::Problems> members = json::SplitObject(text);
  if (!members) return members.failure();
  std::string format;
  std::string_view list;
  for (const json::RawMember& member : *members) {
    if (member.key == "format") format = member.value;
    if (member.key == "resources") list = member.value;
  }
  if (format != "\"" + std::string(kDocumentFormat) + "\"") {
    return json::Problems{{"format", "must be \"" + std::string(kDocumentFormat) + "\""}};
  }
  if (list.empty()) return json::Problems{{"resources", "is required"}};
  json::Problems problems;
  std::vector<Resource> resources = SplitResources(list, "resources", problems);
  for (Resource& resource : resources) resource.version = Digest(resource.body);
  if (resources.empty() && !problems.empty() && left_out == nullptr) return problems;
  if (left_out != nullptr) *left_out = std::move(problems);
  return resources;
}

}  // namespace tulle::meshconfig
