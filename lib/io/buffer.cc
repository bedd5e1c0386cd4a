#include "lib/io/buffer.h"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace tulle::io {
namespace {

// Free blocks of one size. A thread keeps so many of each.
template <size_t kBytes, size_t kKept>
struct FreeBlocks {
  char* blocks[kKept];
  size_t count = 0;
  ~FreeBlocks() {
    while (count > 0) std::free(blocks[--count]);
  }

  char* Take(size_t bytes) { return bytes == kBytes && count > 0 ? blocks[--count] : nullptr; }
  bool Keep(char* block, size_t bytes) {
#ifdef __SANITIZE_ADDRESS__
    return false;  // so that it sees the use of a block after its end
#endif
    if (bytes != kBytes || count == kKept) return false;
    blocks[count++] = block;
    return true;
  }
};

thread_local FreeBlocks<Buffer::kFirstBytes, 256> small_blocks;
thread_local FreeBlocks<Buffer::kBlockBytes, 32> middle_blocks;
thread_local FreeBlocks<Buffer::kBulkBytes, 8> large_blocks;

// The sizes that are kept, then powers of two.
size_t SizeFor(size_t bytes) {
  size_t size = Buffer::kFirstBytes;
  while (size < bytes) size *= size < Buffer::kBulkBytes ? 4 : 2;
  return size;
}

char* Allocate(size_t bytes) {
  if (char* kept = small_blocks.Take(bytes)) return kept;
  if (char* kept = middle_blocks.Take(bytes)) return kept;
  if (char* kept = large_blocks.Take(bytes)) return kept;
  void* block = std::malloc(bytes);
  if (block == nullptr) throw std::bad_alloc();
  return static_cast<char*>(block);
}

}  // namespace

void Buffer::Free() {
  if (block_ == nullptr) return;
  const bool kept = small_blocks.Keep(block_, capacity_) || middle_blocks.Keep(block_, capacity_) ||
                    large_blocks.Keep(block_, capacity_);
  if (!kept) std::free(block_);
  block_ = nullptr;
  brimful_ = false;
  capacity_ = begin_ = end_ = 0;
}

void Buffer::Reserve(size_t capacity) {
  char* larger = Allocate(capacity);
  const size_t held = size();
  if (held > 0) std::memcpy(larger, block_ + begin_, held);
  Free();
  block_ = larger;
  capacity_ = capacity;
  begin_ = 0;
  end_ = held;
}

std::span<char> Buffer::Space(size_t limit) {
  if (capacity_ == 0) Reserve(kFirstBytes);
  if (brimful_ && empty() && capacity_ < std::min(limit, kBulkBytes)) {
    const size_t larger = SizeFor(capacity_ + 1);
    Free();
    Reserve(larger);
  }
  if (end_ == capacity_ && begin_ > 0) {
    std::memmove(block_, block_ + begin_, size());
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == capacity_ && capacity_ < limit) Reserve(SizeFor(capacity_ + 1));
  return {block_ + end_, capacity_ - end_};
}

void Buffer::Append(std::string_view bytes) {
  if (capacity_ - end_ < bytes.size()) {
    if (capacity_ - size() >= bytes.size() && begin_ >= size()) {
      std::memmove(block_, block_ + begin_, size());
      end_ -= begin_;
      begin_ = 0;
    } else {
      Reserve(SizeFor(size() + bytes.size()));
    }
  }
  if (!bytes.empty()) std::memcpy(block_ + end_, bytes.data(), bytes.size());
  end_ += bytes.size();
}

}  // namespace tulle::io
