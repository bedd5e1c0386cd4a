#pragma once

#include <string>
#include <string_view>

#include "lib/base/result.h"
#include "webhook/inject/inject.h"

// The two questions that the API server asks: body of the request in, body of the response out. Pure.
namespace tulle::webhook::admission {

// What became of a request; the names are those of the metric.
enum class Verdict { kMalformed, kAllowed, kDenied, kInjected, kLeftAlone };
const char* Name(Verdict verdict);

struct Answer {
  int status = 200;  // HTTP: 400 when it was no review, else 200 also for a denial
  std::string body;
  Verdict verdict = Verdict::kMalformed;
  std::string message;  // for the log: why denied, left alone or malformed
};

// A pod is to be created. `settings` fails while the webhook cannot inject, with the reason; then every pod
// that would have to be injected is denied, because without its sidecar it would run outside of the mesh
// unnoticed.
Answer Mutate(std::string_view body, const base::Result<inject::Settings>& settings);

// One of our resources is to be created or changed. Let through are deletions, objects that are being
// deleted, and changes that leave the spec as it is: an object that a newer version finds wrong must remain
// possible to label and to get rid of.
Answer Validate(std::string_view body);

}  // namespace tulle::webhook::admission
