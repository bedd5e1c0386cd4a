#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/json/fields.h"
#include "lib/meshconfig/types.h"

// Resources inside a larger JSON text, {"name", "version", "body": {…}}, with the body's text spliced in and
// cut out as it is: versions stay checkable and nothing is parsed twice.
namespace tulle::meshconfig {

void AppendResources(std::string& text, const std::vector<Resource>& resources);

// `list` is the text of the list. What is not a resource is left out and reported under `path`[index].
std::vector<Resource> SplitResources(std::string_view list, std::string_view path, json::Problems& problems);

}  // namespace tulle::meshconfig
