#include "operator/watch/directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>

namespace tulle::control::watch {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kWeb = R"(
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  clusterIP: 10.0.0.1
  selector: {app: web}
  ports: [{name: http, port: 80, targetPort: web}]
---
apiVersion: v1
kind: Pod
metadata:
  name: web-1
  namespace: shop
  labels: {app: web, tulle.dev/injected: "true"}
  annotations: {tulle.dev/workload: web}
spec:
  serviceAccountName: web
  containers: [{name: app, ports: [{name: web, containerPort: 8080}]}]
status: {podIP: 10.1.0.1}
)";

constexpr const char* kSplit = R"(
apiVersion: tulle.dev/v1alpha1
kind: Split
metadata: {name: web, namespace: shop}
spec: {service: web, backends: [{service: web, weight: 1}]}
)";

class DirectoryTest : public testing::Test {
 protected:
  DirectoryTest() {
    path_ = std::filesystem::temp_directory_path() / ("tulle-directory-" + std::to_string(getpid()));
    std::filesystem::remove_all(path_);
    std::filesystem::create_directory(path_);
    directory_ = std::make_unique<Directory>(path_, inbox_);
  }
  ~DirectoryTest() override { std::filesystem::remove_all(path_); }

  void Write(const std::string& name, const std::string& text) {
    std::ofstream(path_ / name) << text;
    // Two writes within one tick of the file system's clock would look alike when the size is the same.
    std::filesystem::last_write_time(path_ / name,
                                     std::filesystem::file_time_type::clock::now() + milliseconds(++writes_));
  }

  // Looks once and brings the model up to date; returns the errors.
  std::vector<std::string> Scan() {
    std::vector<std::string> errors = directory_->Scan();
    for (Change& change : inbox_.Take(milliseconds(0))) {
      if (change.object) {
        model_.Put(std::move(*change.object));
      } else {
        model_.Remove(change.kind, change.key);
      }
    }
    return errors;
  }

  std::filesystem::path path_;
  Inbox inbox_;
  std::unique_ptr<Directory> directory_;
  model::Model model_;
  int writes_ = 0;
};

TEST_F(DirectoryTest, ReadsServicesAndPodsAndDerivesEndpoints) {
  EXPECT_FALSE(inbox_.synced());
  Write("web.yaml", kWeb);
  EXPECT_THAT(Scan(), IsEmpty());
  EXPECT_TRUE(inbox_.synced());
  EXPECT_THAT(model_.services.at("shop/web").cluster_ips, ElementsAre("10.0.0.1"));
  const model::Pod& pod = model_.pods.at("shop/web-1");
  EXPECT_TRUE(pod.meshed);
  EXPECT_EQ(pod.workload, "web");
  EXPECT_EQ(pod.service_account, "web");
  const model::EndpointSlice& slice = model_.slices.at("shop/web-web-1");
  EXPECT_EQ(slice.service, "web");
  EXPECT_THAT(slice.ports, ElementsAre(model::SlicePort{"http", 8080}));
  EXPECT_TRUE(slice.endpoints[0].ready);
}

TEST_F(DirectoryTest, AFileThatGoesTakesItsObjectsAlong) {
  Write("web.yaml", kWeb);
  Write("split.yaml", kSplit);
  Scan();
  EXPECT_EQ(model_.splits.size(), 1u);
  std::filesystem::remove(path_ / "split.yaml");
  Scan();
  EXPECT_EQ(model_.splits.size(), 0u);
  EXPECT_EQ(model_.services.size(), 1u);
}

TEST_F(DirectoryTest, EachChangeOfASpecIsAGeneration) {
  Write("split.yaml", kSplit);
  Scan();
  EXPECT_EQ(model_.splits.at("shop/web").meta.generation, 1);
  Write("other.yaml", kWeb);
  Scan();
  EXPECT_EQ(model_.splits.at("shop/web").meta.generation, 1);
  std::string edited = kSplit;
  edited.replace(edited.find("weight: 1"), 9, "weight: 5");
  Write("split.yaml", edited);
  Scan();
  EXPECT_EQ(model_.splits.at("shop/web").meta.generation, 2);
  EXPECT_EQ(model_.splits.at("shop/web").spec->backends[0].weight, 5);
}

TEST_F(DirectoryTest, MalformedYamlKeepsTheLastGoodContentOfThatFile) {
  Write("web.yaml", kWeb);
  Scan();
  Write("web.yaml", "kind: [unfinished");
  const std::vector<std::string> errors = Scan();
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_THAT(errors[0], HasSubstr("web.yaml"));
  EXPECT_EQ(model_.services.size(), 1u);
  EXPECT_THAT(Scan(), IsEmpty()) << "an error is reported once";
}

TEST_F(DirectoryTest, AnInvalidSplitKeepsItsLastGoodSpecAndNamesFileAndField) {
  Write("split.yaml", kSplit);
  Scan();
  std::string edited = kSplit;
  edited.replace(edited.find("weight: 1"), 9, "weight: -1");
  Write("split.yaml", edited);
  const std::vector<std::string> errors = Scan();
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_THAT(errors[0], HasSubstr("split.yaml: Split shop/web: spec.backends[0].weight"));
  EXPECT_EQ(model_.splits.at("shop/web").spec->backends[0].weight, 1);
  EXPECT_EQ(model_.splits.at("shop/web").meta.problems.size(), 1u);
}

TEST_F(DirectoryTest, AnUnreadableServiceHarmsOnlyItselfAndKeepsItsLastGoodForm) {
  Write("web.yaml", kWeb);
  Scan();
  std::string edited = kWeb;
  edited.replace(edited.find("10.0.0.1"), 8, "10.0.0.x");
  Write("web.yaml", edited);
  const std::vector<std::string> errors = Scan();
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_THAT(errors[0], HasSubstr("Service shop/web: spec.clusterIP"));
  EXPECT_THAT(model_.services.at("shop/web").cluster_ips, ElementsAre("10.0.0.1"));
  EXPECT_EQ(model_.pods.size(), 1u);
}

TEST_F(DirectoryTest, ForeignKindsAndDoublesAreNamed) {
  Write("a.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n");
  Write("b.yaml", kSplit);
  Write("c.yaml", kSplit);
  const std::vector<std::string> errors = Scan();
  ASSERT_EQ(errors.size(), 2u);
  EXPECT_THAT(errors[0], HasSubstr("Deployment"));
  EXPECT_THAT(errors[1], HasSubstr("c.yaml: Split shop/web: it stands twice"));
}

TEST_F(DirectoryTest, ADirectoryThatVanishesTakesNothingAway) {
  Write("web.yaml", kWeb);
  Scan();
  std::filesystem::remove_all(path_);
  EXPECT_EQ(Scan().size(), 1u);
  EXPECT_THAT(Scan(), IsEmpty());
  EXPECT_EQ(model_.services.size(), 1u);
}

}  // namespace
}  // namespace tulle::control::watch
