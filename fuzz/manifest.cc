#include "lib/resources/manifest.h"

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "lib/resources/parse.h"

// YAML text as kubectl or a directory would bring it, down to the objects in it.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto documents = tulle::resources::ReadManifest({reinterpret_cast<const char*>(data), size});
  if (!documents) return 0;
  for (const nlohmann::json& document : *documents) {
    tulle::resources::IsOurs(document);
    const auto object = tulle::resources::ParseObject(document);
    if (!object) tulle::resources::DescribeProblems(document, object.failure());
  }
  return 0;
}
