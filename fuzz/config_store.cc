#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "lib/meshconfig/codec.h"
#include "sidecar/config/store.h"

// Lines "NAME BODY" are put one after the other. A rejected one changes nothing; what is held makes a
// consistent snapshot and survives being kept and read again.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tulle;
  sidecar::config::Store store;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(line.size() + (line.size() < text.size()));
    const size_t space = line.find(' ');
    if (space == std::string_view::npos) continue;
    const auto before = store.Held();
    const auto problem = store.Put(
        meshconfig::MakeResource(std::string(line.substr(0, space)), std::string(line.substr(space + 1))));
    if (problem && (problem->empty() || store.Held() != before)) std::abort();
  }
  const auto snapshot = store.MakeSnapshot();
  for (const auto& [address, destination] : snapshot->destinations) {
    if (address.port() != 0 || (destination.service && destination.endpoint)) std::abort();
  }
  sidecar::config::Store again;
  for (const auto& resource : store.Resources()) {
    if (again.Put(resource)) std::abort();
  }
  if (again.Held() != store.Held()) std::abort();
  const auto document = meshconfig::DecodeDocument(meshconfig::EncodeDocument(store.Resources()));
  if (!document || document->size() != store.Resources().size()) std::abort();
  return 0;
}
