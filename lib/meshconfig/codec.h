#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/json/fields.h"
#include "lib/meshconfig/types.h"

// JSON text <-> the structs of types.h. The operator writes with Encode, and the sidecar, the webhook and
// every test read with the Decode functions: there is no second reader of this format. All functions are
// pure.
namespace tulle::meshconfig {

std::string Encode(const Mesh&);
std::string Encode(const Workload&);
std::string Encode(const Address&);
std::string Encode(const Service&);
std::string Encode(const Endpoints&);

// Unknown fields, wrong types and values out of bounds are all reported, each with its path.
base::Result<Mesh, json::Problems> DecodeMesh(std::string_view text);
base::Result<Workload, json::Problems> DecodeWorkload(std::string_view text);
base::Result<Address, json::Problems> DecodeAddress(std::string_view text);
base::Result<Service, json::Problems> DecodeService(std::string_view text);
base::Result<Endpoints, json::Problems> DecodeEndpoints(std::string_view text);

// A resource whose version is the hash of `body` (first 16 hex digits of SHA-256). `body` is one line, as
// Encode writes it.
Resource MakeResource(std::string name, std::string body);

inline constexpr std::string_view kDocumentFormat = "tulle.dev/meshconfig/v1";

// The document of a ConfigMap: {"format": "tulle.dev/meshconfig/v1", "resources": [{name, version, body},
// …]}, where body is the resource as JSON object, not as text; its text comes back byte for byte. Decode
// keeps what is valid: a resource that is not an object with name, version and body is left out and reported
// in `left_out`; bodies are not looked into, the caller decides about them one by one. The versions are
// computed anew, so that a document edited by hand counts as what it says. It fails only as a whole: not
// JSON, or another format.
std::string EncodeDocument(const std::vector<Resource>& resources);
base::Result<std::vector<Resource>, json::Problems> DecodeDocument(std::string_view text,
                                                                   json::Problems* left_out = nullptr);

}  // namespace tulle::meshconfig
