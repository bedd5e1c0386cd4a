#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

#include "crds/crd.h"

int main(int argc, char** argv) {
  CLI::App app("Prints the CustomResourceDefinitions and the reference page from the types.");
  std::string root;
  app.add_option("--write", root,
                 "root of the repository to write the files into; without it they are printed");
  CLI11_PARSE(app, argc, argv);

  for (const tulle::crds::File& file : tulle::crds::GeneratedFiles()) {
    if (root.empty()) {
      if (file.path.ends_with(".yaml")) std::cout << "---\n" << file.text;
      continue;
    }
    const std::filesystem::path path = std::filesystem::path(root) / file.path;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream out(path, std::ios::binary);
    out << file.text;
    out.close();
    if (!out) {
      std::cerr << "tulle-crds: cannot write " << path.string() << "\n";
      return 1;
    }
  }
  return 0;
}
