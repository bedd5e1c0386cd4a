#include "sidecar/config/store.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "lib/meshconfig/codec.h"

namespace tulle::sidecar::config {
namespace {

using meshconfig::MakeResource;

std::string EndpointJson(const std::string& ip) {
  return R"({"address":")" + ip +
         R"(","pod":"shop/p","identity":"spiffe://d/ns/a/sa/b","ports":[{"port":80,"target":8080}]})";
}
meshconfig::Resource Endpoints(const std::string& ip) {
  return MakeResource("endpoints/shop/web", R"({"name":"shop/web","endpoints":[)" + EndpointJson(ip) + "]}");
}
const auto kService =
    MakeResource("service/shop/web", R"({"name":"shop/web","ports":[{"port":80,"protocol":"HTTP","rules":[
    {"name":"service/shop/web","backends":[
        {"source":"s","endpoints":"endpoints/shop/web","port":80,"weight":1}]}]}]})");
const auto kAddress = MakeResource("address/10.0.0.1", R"({"address":"10.0.0.1","service":"shop/web"})");
const auto kMesh = MakeResource("mesh", R"({"trustDomain":"cluster.local","trustBundle":"pem"})");
const auto kWorkload =
    MakeResource("workload/shop/web", R"({"name":"shop/web","ports":[{"port":8080,"protocol":"HTTP"}]})");

Store Holding(const std::vector<meshconfig::Resource>& resources) {
  Store store;
  for (const auto& resource : resources) EXPECT_EQ(store.Put(resource), std::nullopt) << resource.name;
  return store;
}

const Destination* At(const Snapshot& snapshot, const std::string& ip) {
  const auto found = snapshot.destinations.find(*io::SocketAddress::Parse(ip, 0));
  return found == snapshot.destinations.end() ? nullptr : &found->second;
}

TEST(Store, ASnapshotHasEverythingCompiled) {
  const auto snapshot = Holding({kMesh, kWorkload, kService, kAddress, Endpoints("10.1.0.1")}).MakeSnapshot();
  EXPECT_EQ(snapshot->mesh->trust_domain, "cluster.local");
  EXPECT_EQ(snapshot->workload->ProtocolOf(8080), meshconfig::Protocol::kHttp);
  EXPECT_EQ(snapshot->workload->ProtocolOf(1), meshconfig::Protocol::kDetect);
  const Destination* destination = At(*snapshot, "10.0.0.1");
  ASSERT_NE(destination, nullptr);
  EXPECT_EQ(destination->service->ports.at(80).rules[0].config().name, "service/shop/web");
  EXPECT_EQ(snapshot->endpoints.at("endpoints/shop/web")->endpoints[0].address.Ip(), "10.1.0.1");
}

TEST(Store, BeforeAnyConfigThereIsNoWorkload) {
  const auto snapshot = Store().MakeSnapshot();
  EXPECT_EQ(snapshot->workload, nullptr);
  EXPECT_EQ(snapshot->mesh, nullptr);
}

TEST(Store, ABadResourceIsRejectedAloneAndTheLastGoodOneStays) {
  Store store = Holding({kService, kAddress, Endpoints("10.1.0.1")});
  for (const char* body : {"", "{", "[]", R"({"name":"shop/web","endpoints":[{"address":"web.local"}]})",
                           R"({"name":"shop/web","surprise":1})", R"({"endpoints":[]})"})
    EXPECT_NE(store.Put(MakeResource("endpoints/shop/web", body)), std::nullopt) << body;
  EXPECT_EQ(store.MakeSnapshot()->endpoints.at("endpoints/shop/web")->endpoints[0].address.Ip(), "10.1.0.1");
  const auto held = store.Held();
  const meshconfig::Held good{"endpoints/shop/web", Endpoints("10.1.0.1").version};
  EXPECT_NE(std::find(held.begin(), held.end(), good), held.end());
  EXPECT_EQ(store.Put(Endpoints("10.1.0.2")), std::nullopt);
}

TEST(Store, TheReasonOfARejectionSaysWhere) {
  Store store;
  EXPECT_EQ(store.Put(MakeResource("endpoints/a/b", R"({"name":"a/b","endpoints":[{"address":"x"}]})")),
            "endpoints: \"x\" is not an IP address");
  EXPECT_EQ(store.Put(MakeResource("gadget/a/b", "{}")), "unknown kind of resource");
  EXPECT_NE(store.Put(MakeResource("workload/a/b", R"({"name":"a/b","mtls":"Sometimes"})"))->find("mtls"),
            std::string::npos);
}

TEST(Store, AnAddressOfNonsenseIsRejectedAndNotPassedThrough) {
  Store store;
  for (const char* body :
       {R"({"address":"nowhere"})", R"({"address":"10.0.0.1","endpoint":{"address":"nowhere"}})",
        R"({"address":"10.0.0.1","service":"a/b","endpoint":{"address":"10.1.0.1"}})"})
    EXPECT_NE(store.Put(MakeResource("address/10.0.0.1", body)), std::nullopt) << body;
  EXPECT_TRUE(store.MakeSnapshot()->destinations.empty());
}

TEST(Store, AnAddressIsAServiceAnEndpointOrNoneOfTheMeshsBusiness) {
  const auto snapshot = Holding({kService, kAddress,
                                 MakeResource("address/10.1.0.9", R"({"address":"10.1.0.9","endpoint":)" +
                                                                      EndpointJson("10.1.0.9") + "}"),
                                 MakeResource("address/fd00::1", R"({"address":"fd00::1"})")})
                            .MakeSnapshot();
  EXPECT_NE(At(*snapshot, "10.0.0.1")->service, nullptr);
  EXPECT_EQ(At(*snapshot, "10.1.0.9")->endpoint->identity, "spiffe://d/ns/a/sa/b");
  EXPECT_EQ(At(*snapshot, "fd00::1")->endpoint, nullptr);
  EXPECT_EQ(At(*snapshot, "fd00::1")->service, nullptr);
  EXPECT_EQ(At(*snapshot, "10.9.9.9"), nullptr);
}

TEST(Store, HalfAnAnswerIsNone) {
  Store store = Holding({kAddress});
  EXPECT_EQ(At(*store.MakeSnapshot(), "10.0.0.1"), nullptr);
  ASSERT_EQ(store.Put(kService), std::nullopt);
  EXPECT_NE(At(*store.MakeSnapshot(), "10.0.0.1"), nullptr);
  store.Remove("service/shop/web");
  EXPECT_EQ(At(*store.MakeSnapshot(), "10.0.0.1"), nullptr);
}

TEST(Store, ASnapshotStaysAsItWasAndSharesWhatDidNotChange) {
  Store store = Holding({kMesh, kWorkload, kService, kAddress, Endpoints("10.1.0.1")});
  const auto before = store.MakeSnapshot();
  ASSERT_EQ(store.Put(Endpoints("10.1.0.2")), std::nullopt);
  const auto after = store.MakeSnapshot();
  EXPECT_EQ(before->endpoints.at("endpoints/shop/web")->endpoints[0].address.Ip(), "10.1.0.1");
  EXPECT_EQ(after->endpoints.at("endpoints/shop/web")->endpoints[0].address.Ip(), "10.1.0.2");
  EXPECT_EQ(before->workload, after->workload);
  EXPECT_EQ(At(*before, "10.0.0.1")->service, At(*after, "10.0.0.1")->service);
}

TEST(Store, ANewerServiceGoesOnCountingWhatIsInUse) {
  Store store = Holding({kService, kAddress});
  const auto before = store.MakeSnapshot();
  store.Put(MakeResource("service/shop/web", R"({"name":"shop/web","ports":[]})"));
  const auto after = store.MakeSnapshot();
  EXPECT_NE(At(*before, "10.0.0.1")->service, At(*after, "10.0.0.1")->service);
  EXPECT_EQ(At(*before, "10.0.0.1")->service->usage, At(*after, "10.0.0.1")->service->usage);
}

TEST(Store, RetainKeepsWhatTheRootsReferTo) {
  Store store =
      Holding({kMesh, kWorkload, kService, kAddress, Endpoints("10.1.0.1"),
               MakeResource("service/shop/other", R"({"name":"shop/other"})"),
               MakeResource("address/10.0.0.2", R"({"address":"10.0.0.2","service":"shop/other"})")});
  store.Retain({"mesh", "workload/shop/web", "address/10.0.0.1"});
  EXPECT_EQ(store.Held().size(), 5u);
  EXPECT_TRUE(store.Has("endpoints/shop/web"));
  EXPECT_FALSE(store.Has("service/shop/other"));
  EXPECT_FALSE(store.Has("address/10.0.0.2"));
}

TEST(Store, WhatItHoldsCanBeWrittenAndReadAgain) {
  const Store store = Holding({kMesh, kWorkload, kService, kAddress, Endpoints("10.1.0.1")});
  const auto again = meshconfig::DecodeDocument(meshconfig::EncodeDocument(store.Resources()));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(Holding(*again).Held(), store.Held());
}

}  // namespace
}  // namespace tulle::sidecar::config
