#include "lib/io/buffer.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace tulle::io {
namespace {

TEST(Buffer, BehavesAsAQueueOfBytes) {
  Buffer buffer;
  std::string model;
  std::mt19937 random(5);
  for (int i = 0; i < 20000; ++i) {
    const std::string bytes(random() % 3000, static_cast<char>('a' + random() % 26));
    if (random() % 2 == 0) {
      buffer.Append(bytes);
      model += bytes;
    } else if (const auto space = buffer.Space(64 << 10); space.size() >= bytes.size()) {
      std::memcpy(space.data(), bytes.data(), bytes.size());
      buffer.Commit(bytes.size());
      model += bytes;
    }
    const size_t used = std::min<size_t>(model.size(), random() % 3200);
    buffer.Consume(used);
    model.erase(0, used);
    ASSERT_EQ(buffer.view(), model);
  }
}

TEST(Buffer, SpaceGrowsUpToItsLimit) {
  Buffer buffer;
  while (!buffer.Space(64 << 10).empty()) buffer.Commit(buffer.Space(64 << 10).size());
  EXPECT_EQ(buffer.size(), 64u << 10);
  buffer.Consume(1);
  EXPECT_EQ(buffer.Space(64 << 10).size(), 1u);
}

TEST(Buffer, AnIdleOneHoldsNoMemory) {
  Buffer buffer;
  EXPECT_EQ(buffer.capacity(), 0u);
  buffer.Append("x");
  buffer.Release();
  EXPECT_EQ(buffer.view(), "x");
  buffer.Consume(1);
  buffer.Release();
  EXPECT_EQ(buffer.capacity(), 0u);
}

TEST(Buffer, MovingTakesTheContent) {
  Buffer buffer;
  buffer.Append("abc");
  Buffer other = std::move(buffer);
  EXPECT_EQ(other.view(), "abc");
}

}  // namespace
}  // namespace tulle::io
