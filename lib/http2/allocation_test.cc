#include <gtest/gtest.h>
#include <malloc.h>

#include <atomic>
#include <cstdlib>

#include "lib/http2/pair_for_test.h"

// A sanitizer has an allocator of its own, and wants to see every piece of memory.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

namespace {
std::atomic<size_t> allocations = 0;
}  // namespace

extern "C" void* __libc_malloc(size_t bytes);
extern "C" void* malloc(size_t bytes) {
  ++allocations;
  return __libc_malloc(bytes);
}

namespace tulle::http2 {
namespace {

// Requests without copies of their own, so that only what the sessions need is counted.
class Counted : public Pair {
 protected:
  Counted() : Pair(Limits{}, false) { loop_.Spawn(Answer()); }

  io::Task<void> Answer() {
    static const std::string kResponse =
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nserver: x\r\ndate: today\r\n\r\nhello";
    for (;;) {
      std::unique_ptr<io::Stream> stream = co_await server_->Next();
      if (stream == nullptr) co_return;
      const std::span<char> into(server_space_);
      co_await stream->Read(into);
      const std::string_view response = kResponse;
      co_await stream->Write(response);
    }
  }
  io::Task<void> Ask(int times) {
    static const std::string kRequest =
        "POST /some/path?and=query HTTP/1.1\r\nhost: shop.example\r\nx-request-id: 0123456789\r\n"
        "content-length: 2\r\naccept: */*\r\n\r\nhi";
    for (; times > 0; --times) {
      std::unique_ptr<io::Stream> stream = client_->Open();
      const std::string_view request = kRequest;
      co_await stream->Write(request);
      io::IoResult got;
      while (got.ok()) {
        const std::span<char> into(client_space_);
        got = co_await stream->Read(into);
      }
      EXPECT_EQ(got.error, io::Error::kEof);
    }
  }

  std::array<char, 4096> server_space_, client_space_;
};

TEST_F(Counted, ARequestOnAWarmConnectionAllocatesNothing) {
  Do(Ask(200));
  const size_t before = allocations;
  Do(Ask(1000));
  // The coroutines of the test and the loop's list of posted calls have a few.
  EXPECT_LE(allocations - before, 20u);
}

}  // namespace
}  // namespace tulle::http2

#endif
