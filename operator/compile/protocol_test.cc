#include "operator/compile/protocol.h"

#include <gtest/gtest.h>

namespace tulle::control::compile {
namespace {

using meshconfig::Protocol;

TEST(DeclaredProtocol, AppProtocolGoesBeforeTheName) {
  EXPECT_EQ(DeclaredProtocol("http", "tcp-x"), Protocol::kHttp);
  EXPECT_EQ(DeclaredProtocol("HTTP", ""), Protocol::kHttp);
  EXPECT_EQ(DeclaredProtocol("kubernetes.io/h2c", "http"), Protocol::kHttp2);
  EXPECT_EQ(DeclaredProtocol("tcp", "http"), Protocol::kTcp);
  EXPECT_EQ(DeclaredProtocol("example.com/own", "http"), Protocol::kHttp);
}

TEST(DeclaredProtocol, ReadsTheFirstWordOfTheName) {
  EXPECT_EQ(DeclaredProtocol("", "http"), Protocol::kHttp);
  EXPECT_EQ(DeclaredProtocol("", "http-web"), Protocol::kHttp);
  EXPECT_EQ(DeclaredProtocol("", "https"), Protocol::kTcp);
  EXPECT_EQ(DeclaredProtocol("", "grpc-api"), Protocol::kHttp2);
  EXPECT_EQ(DeclaredProtocol("", "redis"), Protocol::kTcp);
  EXPECT_EQ(DeclaredProtocol("", "web"), Protocol::kDetect);
  EXPECT_EQ(DeclaredProtocol("", ""), Protocol::kDetect);
}

TEST(Agreed, AContradictionLeavesItToDetection) {
  EXPECT_EQ(Agreed(Protocol::kHttp, Protocol::kTcp), Protocol::kDetect);
  EXPECT_EQ(Agreed(Protocol::kDetect, Protocol::kHttp), Protocol::kHttp);
  EXPECT_EQ(Agreed(Protocol::kHttp, Protocol::kDetect), Protocol::kHttp);
}

}  // namespace
}  // namespace tulle::control::compile
