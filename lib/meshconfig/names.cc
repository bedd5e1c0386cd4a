#include "lib/meshconfig/names.h"

namespace tulle::meshconfig {

Kind KindOf(std::string_view resource_name) {
  struct Prefix {
    std::string_view text;
    Kind kind;
  };
  static constexpr Prefix kPrefixes[] = {{"workload/", Kind::kWorkload},
                                         {"address/", Kind::kAddress},
                                         {"service/", Kind::kService},
                                         {"endpoints/", Kind::kEndpoints}};
  if (resource_name == kMeshName) return Kind::kMesh;
  for (const Prefix& prefix : kPrefixes) {
    if (resource_name.starts_with(prefix.text) && resource_name.size() > prefix.text.size())
      return prefix.kind;
  }
  return Kind::kUnknown;
}

std::string_view WithoutKind(std::string_view resource_name) {
  const size_t slash = resource_name.find('/');
  return slash == resource_name.npos ? resource_name : resource_name.substr(slash + 1);
}

}  // namespace tulle::meshconfig
