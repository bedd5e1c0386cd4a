#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "webhook/admission/answer.h"

// Every body gets an answer that is JSON, or a 400.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tulle::webhook;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const inject::Settings settings = {"sidecar", "init", "cluster.local", "operator:15010", "PEM"};
  for (const admission::Answer& answer : {admission::Mutate(body, settings), admission::Validate(body)}) {
    if (answer.status == 400) continue;
    if (answer.status != 200 || !nlohmann::json::accept(answer.body)) std::abort();
  }
  return 0;
}
