// tulle-init: writes the redirect rules of one pod, verifies them, exits.
// Exit status: 0 done, 1 the rules could not be written, 2 a flag was wrong.
#include <CLI/CLI.hpp>
#include <iostream>
#include <string>

#include "sidecar/capture/installer.h"
#include "sidecar/capture/rules.h"
#include "sidecar/capture/settings.h"

namespace {

namespace capture = tulle::sidecar::capture;

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;

struct Flags {
  capture::Settings settings;
  capture::Flavour flavour = capture::Flavour::kAuto;
  bool dry_run = false;
  bool clean = false;
};

// Declares a flag whose value is read by `parse` into `target`; a bad value is reported with the flag's name.
template <class T, class Parse>
CLI::Option* Add(CLI::App& app, const std::string& name, const std::string& variable, T& target, Parse parse,
                 const std::string& help) {
  const auto read = [&target, name, parse](const std::string& text) {
    auto value = parse(text);
    if (!value) throw CLI::ValidationError(name, value.failure().what);
    target = *std::move(value);
  };
  return app.add_option_function<std::string>(name, read, help)->envname(variable);
}

void Declare(CLI::App& app, Flags& flags) {
  auto& settings = flags.settings;
  Add(app, "--inbound-port", "TULLE_INBOUND_PORT", settings.inbound_port, capture::ParsePort,
      "port of the sidecar for connections to the pod (15006)");
  Add(app, "--outbound-port", "TULLE_OUTBOUND_PORT", settings.outbound_port, capture::ParsePort,
      "port of the sidecar for connections from the pod (15001)");
  Add(app, "--proxy-uid", "TULLE_PROXY_UID", settings.proxy_uid, capture::ParseUid,
      "uid of the sidecar, whose own connections are left alone (1337)");
  Add(app, "--exclude-inbound-ports", "TULLE_EXCLUDE_INBOUND_PORTS", settings.exclude_inbound_ports,
      capture::ParsePorts, "comma list of ports left alone, besides 15020 and 15021");
  Add(app, "--exclude-outbound-ports", "TULLE_EXCLUDE_OUTBOUND_PORTS", settings.exclude_outbound_ports,
      capture::ParsePorts, "comma list of destination ports left alone");
  Add(app, "--exclude-outbound-cidrs", "TULLE_EXCLUDE_OUTBOUND_CIDRS", settings.exclude_outbound_cidrs,
      capture::ParseCidrs, "comma list of destination ranges left alone");
  Add(app, "--flavour", "TULLE_FLAVOUR", flags.flavour, capture::ParseFlavour,
      "nft, legacy, or auto: the first of them that works here");
  app.add_flag("--dry-run", flags.dry_run, "print the rules and change nothing")->envname("TULLE_DRY_RUN");
  app.add_flag("--clean", flags.clean, "remove the rules of an earlier run")->envname("TULLE_CLEAN");
}

int PrintRules(const capture::Settings& settings) {
  for (const auto family : {capture::Family::kIpv4, capture::Family::kIpv6}) {
    std::cout << (family == capture::Family::kIpv4 ? "# IPv4\n" : "# IPv6\n")
              << capture::RestoreText(capture::OwnRules(settings, family), "");
  }
  return 0;
}

int Execute(const Flags& flags) {
  if (flags.dry_run) return PrintRules(flags.settings);
  capture::LinuxSystem system;
  capture::Installer installer(system);
  const auto report = flags.clean ? installer.Remove() : installer.Install(flags.settings, flags.flavour);
  if (!report) {
    std::cerr << "tulle-init: " << report.failure().what << "\n";
    return kExitFailed;
  }
  for (const auto& line : *report) std::cerr << "tulle-init: " << line << "\n";
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Redirects the TCP connections of a pod to its sidecar.", "tulle-init");
  Flags flags;
  Declare(app, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    std::cerr << "tulle-init: " << error.what() << "\n";
    return kExitUsage;
  }
  return Execute(flags);
}
