#include "sidecar/capture/installer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "sidecar/capture/rules.h"

namespace tulle::sidecar::capture {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// A machine whose tables are strings: restore keeps the rules it is given, save prints them.
class FakeSystem final : public System {
 public:
  ProgramEnd Run(const std::vector<std::string>& argv, const std::string& input) override {
    const std::string table = argv[0].substr(0, argv[0].rfind('-'));
    if (broken.contains(table)) return broken[table];
    if (argv[0].ends_with("-save")) return {true, 0, tables[table], ""};
    if (!drops_rules) tables[table] = AsSaved(input);
    if (input.find(":TULLE") == std::string::npos) tables[table].clear();
    return {true, 0, "", ""};
  }
  bool HasNetAdmin() const override { return net_admin; }
  bool HasIpv6() const override { return ipv6; }
  bool HasLegacyNat(Family family) const override {
    return tables.contains(family == Family::kIpv4 ? "iptables-legacy" : "ip6tables-legacy");
  }

  std::map<std::string, std::string> tables;
  std::map<std::string, ProgramEnd> broken;
  bool net_admin = true;
  bool ipv6 = true;
  bool drops_rules = false;

 private:
  static std::string AsSaved(const std::string& input) {
    std::string saved;
    for (size_t begin = 0; begin < input.size();) {
      const size_t end = input.find('\n', begin);
      std::string line = input.substr(begin, end - begin);
      if (line.starts_with("-I")) line[1] = 'A';
      if (!line.starts_with("-D")) saved += line + "\n";
      begin = end + 1;
    }
    return saved;
  }
};

class InstallerTest : public testing::Test {
 protected:
  std::string InstallFailure(Flavour flavour = Flavour::kAuto) {
    auto report = installer.Install(Settings{}, flavour);
    return report ? "" : report.failure().what;
  }

  FakeSystem system;
  Installer installer{system};
};

TEST_F(InstallerTest, PrefersNftAndVerifiesBothFamilies) {
  EXPECT_THAT(
      *installer.Install(Settings{}, Flavour::kAuto),
      ElementsAre("IPv4: 9 rules written and verified (nft)", "IPv6: 9 rules written and verified (nft)"));
}

TEST_F(InstallerTest, FallsBackToLegacyWhereNftFails) {
  system.broken["iptables-nft"] = {true, 1, "", "Failed to initialize nft: Protocol not supported\n"};
  EXPECT_THAT(
      *installer.Install(Settings{}, Flavour::kAuto),
      ElementsAre("IPv4: 9 rules written and verified (legacy)", "IPv6: 9 rules written and verified (nft)"));
}

TEST_F(InstallerTest, RemovesTheRulesOfTheOtherFlavour) {
  ASSERT_TRUE(installer.Install(Settings{}, Flavour::kLegacy));
  const auto report = installer.Install(Settings{}, Flavour::kNft);
  ASSERT_TRUE(report);
  EXPECT_THAT((*report)[0], HasSubstr("removed the legacy rules"));
  EXPECT_FALSE(HasOwnRules(system.tables["iptables-legacy"]));
}

TEST_F(InstallerTest, SaysThatIpv6IsAbsent) {
  system.ipv6 = false;
  const auto report = installer.Install(Settings{}, Flavour::kAuto);
  ASSERT_TRUE(report);
  EXPECT_THAT((*report)[1], HasSubstr("no AF_INET6"));
}

TEST_F(InstallerTest, RefusesToLeaveIpv6OpenWhereItExists) {
  system.broken["ip6tables-nft"] = {true, 3, "", "can't initialize ip6tables table `nat'\n"};
  system.broken["ip6tables-legacy"] = system.broken["ip6tables-nft"];
  EXPECT_THAT(InstallFailure(), HasSubstr("cannot write IPv6 redirect rules"));
}

TEST_F(InstallerTest, NamesTheMissingCapability) {
  system.net_admin = false;
  EXPECT_THAT(InstallFailure(), HasSubstr("NET_ADMIN"));
  EXPECT_THAT(installer.Remove().failure().what, HasSubstr("NET_ADMIN"));
}

TEST_F(InstallerTest, NamesTheMissingProgram) {
  system.broken["iptables-nft"] = ProgramEnd{};
  EXPECT_THAT(InstallFailure(Flavour::kNft), HasSubstr("iptables-nft-save: no such program"));
}

TEST_F(InstallerTest, NamesTheMissingModuleOfEachFlavour) {
  system.broken["iptables-nft"] = {true, 4, "",
                                   "Extension REDIRECT revision 0 not supported, missing kernel module?"};
  system.broken["iptables-legacy"] = {true, 3, "", "Table does not exist (do you need to insmod?)"};
  const std::string failure = InstallFailure();
  EXPECT_THAT(failure, HasSubstr("iptables-nft-save failed (exit status 4): Extension REDIRECT"));
  EXPECT_THAT(failure, HasSubstr("modprobe -a nft_chain_nat"));
  EXPECT_THAT(failure, HasSubstr("modprobe -a iptable_nat"));
}

TEST_F(InstallerTest, DoesNotBelieveSuccessThatCannotBeReadBack) {
  system.drops_rules = true;
  EXPECT_THAT(InstallFailure(Flavour::kNft),
              HasSubstr("reading back shows otherwise: missing '-A PREROUTING"));
}

TEST_F(InstallerTest, RemovesAndSaysSo) {
  ASSERT_TRUE(installer.Install(Settings{}, Flavour::kNft));
  EXPECT_THAT(*installer.Remove(), ElementsAre("IPv4: removed the nft rules", "IPv6: removed the nft rules"));
  EXPECT_THAT(*installer.Remove(), ElementsAre("no rules of ours found"));
}

}  // namespace
}  // namespace tulle::sidecar::capture
