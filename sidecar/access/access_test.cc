#include "sidecar/access/access.h"

#include <gtest/gtest.h>

#include "lib/meshconfig/codec.h"

namespace tulle::sidecar::access {
namespace {

const Caller kWeb{identity::SpiffeId{"cluster.local", "shop", "web"}};
const Caller kBatch{identity::SpiffeId{"cluster.local", "jobs", "batch"}};

// A workload in the JSON of the mesh config: what a policy author's rules become.
Policy Rules(const std::string& rules, const std::string& more = "") {
  const auto workload =
      meshconfig::DecodeWorkload(R"({"name":"shop/db","rules":[)" + rules + "]" + more + "}");
  EXPECT_TRUE(workload.ok()) << json::JoinProblems(workload.failure());
  return Policy(*workload);
}

// The verdict about "METHOD path" from this caller: "allowed", or the reason of the refusal.
std::string Ask(const Policy& policy, const Caller* caller, const std::string& request, uint16_t port = 80) {
  http::RequestHead head;
  const size_t space = request.find(' ');
  head.method = std::string_view(request).substr(0, space);
  head.target = std::string_view(request).substr(space + 1);
  const Verdict verdict = policy.Evaluate({caller, port, &head});
  return verdict.allowed ? "allowed" : verdict.reason;
}

std::string AskOpaque(const Policy& policy, const Caller* caller, uint16_t port = 80) {
  const Verdict verdict = policy.Evaluate({caller, port, nullptr});
  return verdict.allowed ? "allowed" : verdict.reason;
}

TEST(Access, WithoutRulesEverybodyMayCall) {
  const Policy policy = Rules("");
  EXPECT_EQ(Ask(policy, nullptr, "GET //../x"), "allowed");
  EXPECT_EQ(AskOpaque(policy, nullptr), "allowed");
  EXPECT_FALSE(policy.looks_at_paths());
}

TEST(Access, AnAllowRuleShutsOutAllOthers) {
  const Policy policy = Rules(R"({"name":"shop/a#0","action":"Allow","from":[{"namespaces":["shop"]}]})");
  EXPECT_EQ(Ask(policy, &kWeb, "GET /"), "allowed");
  EXPECT_EQ(Ask(policy, &kBatch, "GET /"), "access/not-allowed shop/a");
  EXPECT_EQ(Ask(policy, nullptr, "GET /"), "access/not-allowed shop/a");
  EXPECT_EQ(AskOpaque(policy, &kWeb), "allowed");
}

TEST(Access, DenyWinsWhereverItStands) {
  const std::string allow = R"({"name":"shop/a#0","action":"Allow"})";
  const std::string deny = R"({"name":"shop/d#1","action":"Deny","from":[{"serviceAccounts":["shop/web"]}]})";
  for (const std::string& rules : {allow + "," + deny, deny + "," + allow}) {
    EXPECT_EQ(Ask(Rules(rules), &kWeb, "GET /"), "access/deny shop/d#1");
    EXPECT_EQ(Ask(Rules(rules), &kBatch, "GET /"), "allowed");
  }
  EXPECT_EQ(Ask(Rules(deny), &kBatch, "GET /"), "allowed");
}

// Leaving out TLS, or the mesh, must not be the way round a denial.
TEST(Access, ADenialOfSomebodyReachesACallerWithoutAName) {
  const std::string deny = R"({"name":"shop/d#0","action":"Deny","from":[{"serviceAccounts":["shop/web"]}]})";
  EXPECT_EQ(Ask(Rules(deny), nullptr, "GET /"), "access/deny shop/d#0");
  EXPECT_EQ(AskOpaque(Rules(deny), nullptr), "access/deny shop/d#0");
  EXPECT_EQ(Ask(Rules(deny), &kBatch, "GET /"), "allowed");
}

TEST(Access, ARefusalNamesEveryPolicyThatCouldHaveAllowed) {
  const Policy policy = Rules(R"({"name":"shop/a#0","action":"Allow","from":[{"namespaces":["x"]}]},
                                 {"name":"shop/a#1","action":"Allow","from":[{"namespaces":["y"]}]},
                                 {"name":"shop/b#0","action":"Allow","from":[{"namespaces":["z"]}]})");
  EXPECT_EQ(Ask(policy, &kWeb, "GET /"), "access/not-allowed shop/a,shop/b");
}

TEST(Access, AllFieldsOfAFromMustMatchAndAnyFromIsEnough) {
  const Policy policy = Rules(R"({"name":"p#0","action":"Allow","from":[
      {"namespaces":["shop"],"serviceAccounts":["shop/api"]},
      {"identities":["spiffe://cluster.local/ns/jobs/sa/batch"]}]})");
  EXPECT_EQ(Ask(policy, &kWeb, "GET /"), "access/not-allowed p");
  EXPECT_EQ(Ask(policy, &kBatch, "GET /"), "allowed");
  const Caller other{identity::SpiffeId{"other.domain", "jobs", "batch"}};
  EXPECT_EQ(Ask(policy, &other, "GET /"), "access/not-allowed p");
}

TEST(Access, AllFieldsOfAToMustMatch) {
  const Policy policy = Rules(
      R"({"name":"p#0","action":"Allow","to":[{"ports":[80],"methods":["GET"],"paths":[{"prefix":"/a"}]}]})");
  EXPECT_EQ(Ask(policy, &kWeb, "GET /a/b?c"), "allowed");
  EXPECT_NE(Ask(policy, &kWeb, "GET /ab"), "allowed");
  EXPECT_NE(Ask(policy, &kWeb, "POST /a"), "allowed");
  EXPECT_NE(Ask(policy, &kWeb, "get /a"), "allowed");
  EXPECT_NE(Ask(policy, &kWeb, "GET /a", 81), "allowed");
}

TEST(Access, OnOpaqueConnectionsHttpRulesNeverAllowAndAlwaysDeny) {
  const std::string to = R"("to":[{"ports":[80],"methods":["DELETE"]}])";
  const Policy allow = Rules(R"({"name":"p#0","action":"Allow",)" + to + "}");
  EXPECT_EQ(AskOpaque(allow, &kWeb), "access/not-allowed p");
  const Policy deny = Rules(R"({"name":"p#0","action":"Deny",)" + to + "}");
  EXPECT_EQ(AskOpaque(deny, &kWeb), "access/deny p#0");
  EXPECT_EQ(AskOpaque(deny, &kWeb, 81), "allowed");
  EXPECT_EQ(Ask(deny, &kWeb, "GET /"), "allowed");
}

TEST(Access, ADeniedMethodIsDeniedInAnyCase) {
  const Policy policy = Rules(R"({"name":"p#0","action":"Deny","to":[{"methods":["DELETE"]}]})");
  EXPECT_EQ(Ask(policy, &kWeb, "delete /"), "access/deny p#0");
  EXPECT_EQ(Ask(policy, &kWeb, "GET /"), "allowed");
}

TEST(Access, AmbiguousPathsAreRefusedWherePathsMatter) {
  const Policy policy = Rules(R"({"name":"p#0","action":"Deny","to":[{"paths":[{"prefix":"/admin"}]}]})");
  EXPECT_TRUE(policy.looks_at_paths());
  for (const char* path :
       {"//admin", "/a/../admin", "/%61dmin", "/admin%2f", "/x/..%2fadmin", "/;/admin", "/%"})
    EXPECT_EQ(Ask(policy, &kWeb, std::string("GET ") + path), "access/ambiguous-path") << path;
  EXPECT_EQ(Ask(policy, &kWeb, "GET http://a/admin/x"), "access/deny p#0");
  EXPECT_EQ(Ask(policy, &kWeb, "OPTIONS *"), "allowed");
}

TEST(Access, OnePathInTwoSpellingsIsOnePath) {
  const Policy policy = Rules(R"({"name":"p#0","action":"Deny","to":[{"paths":[
      {"exact":"/a:b"}, {"prefix":"/caf%c3%A9"}, {"exact":"/m%40n"}, {"exact":"/naïve x"},
      {"regex":"/r/@.*"}, {"regex":"/s/%3A.*"}]}]})");
  for (const char* path : {"/a:b", "/a%3Ab", "/a%3ab", "/caf%C3%a9", "/caf%c3%a9/x", "/m@n", "/m%40n",
                           "/na%c3%afve%20x", "/r/%40x", "/r/%40%FF", "/s/%3Ax"})
    EXPECT_EQ(Ask(policy, &kWeb, std::string("GET ") + path), "access/deny p#0") << path;
  for (const char* path : {"/a", "/a%20b", "/caf", "/m%20n", "/r/x"})
    EXPECT_EQ(Ask(policy, &kWeb, std::string("GET ") + path), "allowed") << path;
}

TEST(Access, PlaintextIsTakenWhereTheModeSaysSo) {
  EXPECT_TRUE(Rules("", R"(,"mtls":"Permissive")").EvaluatePlaintext().allowed);
  const Verdict verdict = Rules("", R"(,"mtls":"Strict","mtlsSource":"shop/strict")").EvaluatePlaintext();
  EXPECT_FALSE(verdict.allowed);
  EXPECT_EQ(verdict.reason, "mtls/strict shop/strict");
}

TEST(UnambiguousPath, Table) {
  for (const char* path : {"/", "/a", "/a/", "/a/b.c", "/a..b", "/...", "/.well-known", "*", "/a%20b",
                           "/%C3%a9", "/a%3Ab", "/a%40b", "/a+b", "/~a", "/a@b:c,d"})
    EXPECT_TRUE(IsUnambiguousPath(path)) << path;
  for (const char* path : {"//",    "//a",    "/a//b", "/a//", "/.",   "/..",  "/a/.",     "/a/./b", "/../a",
                           "/a/..", "/a\\b",  "/a;b",  "/%2f", "/%2F", "/%2e", "/%2E%2e/", "/%5c",   "/%00",
                           "/%25",  "/%252f", "/%3b",  "/%",   "/%2",  "/%zz", "/%u002f",  "/%61",   "/%41",
                           "/%30",  "/%2d",   "/%5F",  "/%7e", "/%0a", "/%0D", "/%09",     "/%7f"})
    EXPECT_FALSE(IsUnambiguousPath(path)) << path;
}

}  // namespace
}  // namespace tulle::sidecar::access
