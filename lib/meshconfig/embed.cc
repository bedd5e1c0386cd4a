#include "lib/meshconfig/embed.h"

#include <nlohmann/json.hpp>

#include "lib/json/parse.h"
#include "lib/json/path.h"
#include "lib/json/text.h"

namespace tulle::meshconfig {
namespace {

// Reads one string member that must not be empty; reports and returns false otherwise.
bool TakeString(std::string_view text, const json::Path& path, std::string& out, json::Problems& problems) {
  base::Result<nlohmann::json, json::Problems> value = json::ReadText(text);
  if (!value || !value->is_string() || value->get_ref<const std::string&>().empty()) {
    problems.push_back({path.Text(), "expected a string that is not empty"});
    return false;
  }
  out = value->get<std::string>();
  return true;
}

bool SplitResource(std::string_view text, const json::Path& path, Resource& out, json::Problems& problems) {
  base::Result<std::vector<json::RawMember>, json::Problems> members = json::SplitObject(text);
  if (!members) {
    problems.push_back({path.Text(), json::JoinProblems(members.failure())});
    return false;
  }
  bool valid = true;
  for (const json::RawMember& member : *members) {
    const json::Path member_path(path, member.key);
    if (member.key == "name") {
      valid &= TakeString(member.value, member_path, out.name, problems);
    } else if (member.key == "version") {
      valid &= TakeString(member.value, member_path, out.version, problems);
    } else if (member.key == "body" && member.value.starts_with('{')) {
      out.body = member.value;
    } else {
      problems.push_back({member_path.Text(), member.key == "body" ? "expected an object" : "unknown field"});
      valid = false;
    }
  }
  if (!valid) return false;
  const char* missing = out.name.empty()      ? "name"
                        : out.version.empty() ? "version"
                        : out.body.empty()    ? "body"
                                              : nullptr;
  if (missing == nullptr) return true;
  problems.push_back({json::Path(path, missing).Text(), "is required"});
  return false;
}

}  // namespace

void AppendResources(std::string& text, const std::vector<Resource>& resources) {
  size_t bytes = text.size() + 2;
  for (const Resource& resource : resources) {
    bytes += resource.name.size() + resource.version.size() + resource.body.size() + 40;
  }
  text.reserve(bytes);
  text += '[';
  for (size_t i = 0; i < resources.size(); ++i) {
    text += i == 0 ? "{\"name\":" : ",{\"name\":";
    json::AppendString(text, resources[i].name);
    text += ",\"version\":";
    json::AppendString(text, resources[i].version);
    text += ",\"body\":";
    text += resources[i].body;
    text += '}';
  }
  text += ']';
}

std::vector<Resource> SplitResources(std::string_view list, std::string_view path, json::Problems& problems) {
  const json::Path list_path(path);
  base::Result<std::vector<std::string_view>, json::Problems> items = json::SplitList(list);
  if (!items) {
    problems.push_back({std::string(path), json::JoinProblems(items.failure())});
    return {};
  }
  std::vector<Resource> resources;
  for (size_t i = 0; i < items->size(); ++i) {
    Resource resource;
    if (SplitResource((*items)[i], json::Path(list_path, i), resource, problems)) {
      resources.push_back(std::move(resource));
    }
  }
  return resources;
}

}  // namespace tulle::meshconfig
