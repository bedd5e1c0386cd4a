#pragma once

#include <string>
#include <vector>

// Prints what is generated from the types of lib/resources and kept in git: the CustomResourceDefinitions and
// the reference page.
namespace tulle::crds {

struct File {
  std::string path;  // from the root of the repository
  std::string text;
};

std::vector<File> GeneratedFiles();

}  // namespace tulle::crds
