#include "lib/json/fields.h"

namespace tulle::json {

std::string JoinProblems(const Problems& problems) {
  std::string text;
  for (const Problem& problem : problems) {
    if (!text.empty()) text += "; ";
    text += problem.Text();
  }
  return text;
}

}  // namespace tulle::json
