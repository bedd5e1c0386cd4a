#include "operator/distribute/peer.h"

#include "lib/json/parse.h"
#include "lib/json/print.h"

namespace tulle::control::distribute {

std::string EncodeReport(const ReplicaReport& report) { return json::Print(report).dump(); }

base::Result<ReplicaReport, json::Problems> DecodeReport(std::string_view text) {
  const nlohmann::json value = nlohmann::json::parse(text, nullptr, false);
  if (value.is_discarded()) return json::Problems{{"", "not JSON"}};
  return json::Parse<ReplicaReport>(value);
}

}  // namespace tulle::control::distribute
