#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "lib/meshconfig/codec.h"

namespace {

// What was decoded must survive being encoded.
template <class T>
void Check(tulle::base::Result<T, tulle::json::Problems> (*decode)(std::string_view), std::string_view text) {
  auto value = decode(text);
  if (!value) return;
  auto again = decode(tulle::meshconfig::Encode(*value));
  if (!again || !(*again == *value)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tulle::meshconfig;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Check<Mesh>(DecodeMesh, text);
  Check<Workload>(DecodeWorkload, text);
  Check<Address>(DecodeAddress, text);
  Check<Service>(DecodeService, text);
  Check<Endpoints>(DecodeEndpoints, text);
  tulle::json::Problems left_out;
  auto document = DecodeDocument(text, &left_out);
  if (!document) return 0;
  auto again = DecodeDocument(EncodeDocument(*document));
  if (!again || *again != *document) std::abort();
  return 0;
}
