#include "sidecar/identity/state_dir.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

namespace tulle::sidecar::identity {
namespace {

// A directory of this test, on a disk or in memory, that goes with it.
struct Folder {
  explicit Folder(const std::string& parent) : path(parent + "/tulle-state-XXXXXX") {
    EXPECT_NE(mkdtemp(path.data()), nullptr) << path;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string path;
};

bool IsInMemory(const std::string& path) { return StateDir(path).in_memory(); }
std::string OnDisk() { return IsInMemory("/tmp") ? "." : "/tmp"; }

TEST(StateDir, KeepsSecretsInMemoryForThisUserOnly) {
  const Folder folder("/dev/shm");
  const StateDir state(folder.path);
  if (!state.in_memory()) GTEST_SKIP() << "/dev/shm is no tmpfs here";
  EXPECT_TRUE(*state.Write("key.pem", "secret", true));
  EXPECT_EQ(state.Read("key.pem"), "secret");
  struct stat facts;
  ASSERT_EQ(stat((folder.path + "/key.pem").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600u);
}

TEST(StateDir, RefusesSecretsOnADisk) {
  const Folder folder(OnDisk());
  const StateDir state(folder.path);
  if (state.in_memory()) GTEST_SKIP() << "no disk here";
  EXPECT_FALSE(*state.Write("key.pem", "secret", true));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path));
  EXPECT_TRUE(*state.Write("config.json", "{}", false));
  EXPECT_EQ(state.Read("config.json"), "{}");
}

TEST(StateDir, AFileIsReplacedAsAWhole) {
  const Folder folder("/tmp");
  const StateDir state(folder.path);
  EXPECT_TRUE(*state.Write("a", std::string(100000, 'x'), false));
  EXPECT_TRUE(*state.Write("a", "short", false));
  EXPECT_EQ(state.Read("a"), "short");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path), {}), 1);
}

TEST(StateDir, WithoutAPathNothingIsKept) {
  const StateDir state("");
  EXPECT_FALSE(state.in_memory());
  EXPECT_FALSE(*state.Write("a", "b", false));
  EXPECT_EQ(state.Read("a"), std::nullopt);
}

TEST(StateDir, AFailureNamesTheFile) {
  const StateDir state("/nowhere/at/all");
  const auto written = state.Write("a", "b", false);
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.failure().what, "/nowhere/at/all/a: No such file or directory");
}

}  // namespace
}  // namespace tulle::sidecar::identity
